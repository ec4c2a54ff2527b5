-- Takes over the entries that nobody touched for long enough. For each: its ID, the way on which it comes, its
-- past as it is written down, its fields. Then the number of those that were trimmed away.
-- It comes back if it was given back, is its own consumer's if that lives, and an orphan otherwise: then the death
-- of its consumer is written down here. Without a past, each of its deliveries ended so.
local entries, trimmed = {}, 0
local untouched = redis.call('XPENDING', KEYS[1], ARGV[1], 'IDLE', ARGV[3], '-', '+', ARGV[4])
for _, one in ipairs(untouched) do
    local id = one[1]
    local past = redis.call('HGET', KEYS[2], id) or ''
    local way = one[2] == ARGV[2] and 'own' or 'orphan'
    local claimed = redis.call('XCLAIM', KEYS[1], ARGV[1], ARGV[2], ARGV[3], id)[1]
    if not claimed then
        -- One that was deleted from the stream is pending no more.
        redis.call('HDEL', KEYS[2], id)
        trimmed = trimmed + 1
    else
        if string.sub(past, 1, 5) == 'back:' then
            way, past = 'back', string.sub(past, 6)
            redis.call('HSET', KEYS[2], id, past)
        elseif way == 'orphan' then
            local failures, deaths, rest = string.match(past, '^(%d+):(%d+):(.*)$')
            if failures then
                past = failures .. ':' .. (deaths + 1) .. ':' .. rest
            else
                past = '0:' .. one[4] .. ':' .. ARGV[5] .. ':0'
            end
            redis.call('HSET', KEYS[2], id, past)
            -- Of a stream that is deleted, this goes by itself.
            redis.call('PEXPIRE', KEYS[2], 604800000)
        end
        entries[#entries + 1] = {id, way, past, claimed[2]}
    end
end
return {entries, trimmed}
