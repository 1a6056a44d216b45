-- Posts the reviews of a file, one a line, over and over.
local bodies = {}
local next = 0

function init(arguments)
  for line in io.lines(arguments[1]) do
    bodies[#bodies + 1] = line
  end
end

local headers = { ["Content-Type"] = "application/json" }

function request()
  next = next % #bodies + 1
  return wrk.format("POST", "/mutate?timeout=10s", headers, bodies[next])
end
