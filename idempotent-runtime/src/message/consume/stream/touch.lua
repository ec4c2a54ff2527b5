-- Sets the time since entries were touched and the number of their attempts, if they are still this
-- consumer's: an entry that another consumer has taken over is left to it.
for at = 3, #ARGV, 3 do
    local id = ARGV[at]
    if redis.call('XPENDING', KEYS[1], ARGV[1], id, id, 1, ARGV[2])[1] then
        redis.call('XCLAIM', KEYS[1], ARGV[1], ARGV[2], 0, id,
            'IDLE', ARGV[at + 1], 'RETRYCOUNT', ARGV[at + 2], 'JUSTID')
    end
end
