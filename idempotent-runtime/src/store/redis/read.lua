-- The value and what is left of its life in milliseconds, as of one moment.
return {redis.call('GET', KEYS[1]), redis.call('PTTL', KEYS[1])}
