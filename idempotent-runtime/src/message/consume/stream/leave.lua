-- Removes this consumer from the group, and those that were idle for so many milliseconds; never one with pending entries,
-- which would be lost with it.
for _, one in ipairs(redis.call('XINFO', 'CONSUMERS', KEYS[1], ARGV[1])) do
    local of = {}
    for at = 1, #one, 2 do of[one[at]] = one[at + 1] end
    if of.pending == 0 and (of.name == ARGV[2] or of.idle > tonumber(ARGV[3])) then
        redis.call('XGROUP', 'DELCONSUMER', KEYS[1], ARGV[1], of.name)
    end
end
