-- Takes over the entries that nobody touched for long enough. For each: its ID, the way on which it comes, its
-- deliveries, its past as it was written down, its fields. Then the number of those that were trimmed away.
-- It comes back if it was given back, is its own consumer's if that lives, and an orphan otherwise.
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
        end
        entries[#entries + 1] = {id, way, one[4], past, claimed[2]}
    end
end
return {entries, trimmed}
