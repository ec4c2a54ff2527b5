-- Takes over the entries that nobody touched for long enough: [id, attempt, fields] of each.
local entries = {}
local untouched = redis.call('XPENDING', KEYS[1], ARGV[1], 'IDLE', ARGV[3], '-', '+', ARGV[4])
for _, one in ipairs(untouched) do
    local claimed = redis.call('XCLAIM', KEYS[1], ARGV[1], ARGV[2], ARGV[3], one[1])[1]
    -- One that was deleted from the stream is pending no more.
    if claimed then entries[#entries + 1] = {one[1], one[4] + 1, claimed[2]} end
end
return entries
