--- Partitions: whom a root refuses because of them.

-- Whether a root takes no messages of new keys.
local function refuses_new(queue) return queue.serves == 'retired' or not queue.serves and queue.partition ~= '' end

-- What a root that refuses new keys answers to those who do not know. Nobody looks there for new keys.
local function not_serving(root)
  return fail('REPARTITIONED', shown(root) .. ' does not serve new messages: rapidfire_layout of the root of the queue tells what does')
end

-- Refuses a caller that goes by another generation of the partitions than this root: one of the two has missed a change, a caller that was
-- idle, or a root whose server was replaced by one that had not heard of it. A caller without a generation is judged by the root alone.
local function other_generation(queue, generation)
  if not generation or generation == queue.generation then return nil end
  return fail(
    'REPARTITIONED',
    string.format(
      '%s goes by generation %d of the partitions and the caller by %d: rapidfire_layout tells more',
      shown(queue.root), queue.generation, generation
    )
  )
end
