-- A session of Neovim with the language server, written as JSON; g:server is the server's command.
local told, uri = {}, vim.uri_from_bufnr(0)
local start = vim.lsp.start_client or vim.lsp.start
local id = start({ name = "domcaps", cmd = vim.g.server, root_dir = vim.fn.getcwd() })
vim.lsp.buf_attach_client(0, id)

local function found()
  local codes = {}
  for _, one in ipairs(vim.diagnostic.get(0)) do
    -- where the code is depends on Neovim's version
    local code = one.code or one.user_data.lsp.code
    codes[code] = { one.lnum, one.col, one.end_col, one.severity }
  end
  return codes
end

local function wait(holds)
  return vim.wait(90000, function() return holds(found()) end, 50)
end

-- what client and server count in: newer releases of Neovim offer more than UTF-16
local function encoding()
  return vim.lsp.get_client_by_id(id).offset_encoding
end

local function place(line, word)
  local text = vim.api.nvim_buf_get_lines(0, line, line + 1, true)[1]
  local bytes = string.find(text, word, 1, true) - 1
  local utf32, utf16 = vim.str_utfindex(text, bytes)
  local units = { ["utf-8"] = bytes, ["utf-16"] = utf16, ["utf-32"] = utf32 }
  return { line = line, character = units[encoding()] }
end

local function ask(method, params)
  params.textDocument = { uri = uri }
  local answers, why = vim.lsp.buf_request_sync(0, method, params, 90000)
  for _, answer in pairs(answers or {}) do
    return answer.result or { error = vim.inspect(answer.error) }
  end
  return { error = tostring(why) }
end

local MODEL = "video-model-type-unsupported"
told.opened = wait(function(codes) return codes[MODEL] ~= nil end)
told.diagnostics = found()
told.line = vim.api.nvim_buf_get_lines(0, 5, 6, true)[1]

local qxl = place(5, "qxl")
local offers = ask("textDocument/completion", { position = qxl })
told.words = {}
for _, item in ipairs(offers.items or offers) do
  table.insert(told.words, item.label)
end
local hover = ask("textDocument/hover", { position = qxl })
told.hover = table.concat(vim.lsp.util.convert_input_to_markdown_lines(hover.contents), "\n")

local actions = ask("textDocument/codeAction", {
  range = { start = qxl, ["end"] = qxl },
  context = { diagnostics = {} },
})
told.actions = {}
for _, action in ipairs(actions) do
  table.insert(told.actions, action.title)
end
vim.lsp.util.apply_workspace_edit(actions[1].edit, encoding())
told.repaired = vim.api.nvim_buf_get_lines(0, 5, 6, true)[1]
told.cleared = wait(function(codes) return codes[MODEL] == nil end)
told.left = found()

vim.fn.writefile({ vim.fn.json_encode(told) }, "told.json")
vim.lsp.stop_client(id)
vim.cmd("qall!")
