// Chat completions with tools by a GGUF on this machine's processor: `node serve.mjs MODEL.gguf CONTEXT THREADS`, its URL first.
// Every reply is a tool call: the grammar of the tools' schemas holds it to the form, and leaves what it says to the model.
import {createServer} from "node:http";
import {getLlama, LlamaGrammarEvaluationState} from "node-llama-cpp";

const [file, size, threads] = [process.argv[2], Number(process.argv[3]), Number(process.argv[4])];
const llama = await getLlama({gpu: false, build: "never", logLevel: "error", maxThreads: threads});
const model = await llama.loadModel({modelPath: file});
const context = await model.createContext({contextSize: size, threads, swaFullCache: true});
const sequence = context.getSequence();
let turn = Promise.resolve();

// What llama.cpp's grammars know of a schema; the rest is checked by whoever runs the call.
function plain(schema, defs) {
    if (schema.$ref) return plain(defs[schema.$ref.split("/").at(-1)], defs);
    if (schema.enum) return {enum: schema.enum};
    if (schema.type === "number" && schema.maximum === 1) return {enum: Array.from({length: 11}, (_, tenth) => tenth / 10)};
    if (schema.anyOf) return plain(schema.anyOf[0], defs);
    if (schema.type === "array") return {type: "array", items: plain(schema.items, defs), minItems: 1, maxItems: 1};
    if (schema.type !== "object") return schema.type === "string" ? {type: "string", maxLength: 90} : {type: schema.type};
    const properties = Object.entries(schema.properties ?? {}).map(([name, each]) => [name, plain(each, defs)]);
    return {type: "object", properties: Object.fromEntries(properties)};
}

const text = (message) => message.role === "tool" ? `Result: ${message.content}`
    : (message.content ?? "") + (message.tool_calls ?? []).map(({function: f}) =>
        JSON.stringify({name: f.name, arguments: JSON.parse(f.arguments)})).join("\n");

function tokens({messages, tools}) {
    const listed = tools.map(({function: f}) => JSON.stringify(f)).join("\n");
    const [system, ...rest] = messages;
    const found = [...model.tokenize(`<bos><start_of_turn>user\n`, true),
        ...model.tokenize(`${system.content}\n\nTools:\n${listed}\n\nAnswer with one call: {"name": ..., "arguments": {...}}\n\n`)];
    rest.forEach((message, at) => {
        const role = message.role === "assistant" ? "model" : "user";
        if (at) found.push(...model.tokenize(`<end_of_turn>\n<start_of_turn>${role}\n`, true));
        found.push(...model.tokenize(text(message)));
    });
    return [...found, ...model.tokenize("<end_of_turn>\n<start_of_turn>model\n", true)];
}

function whole(said) { // small models write blanks for ever behind their answer
    if (!said.endsWith("}")) return false;
    try { return Boolean(JSON.parse(said)); } catch { return false; }
}

async function complete(asked) {
    const prompt = tokens(asked), said = [];
    if (prompt.length + asked.max_tokens > size) throw Object.assign(new Error("the context window is full"), {status: 400, code: "context_length_exceeded"});
    const calls = asked.tools.map(({function: f}) => ({type: "object", properties: {name: {const: f.name}, arguments: plain(f.parameters, f.parameters.$defs)}}));
    const grammar = await llama.createGrammarForJsonSchema({oneOf: calls});
    await sequence.adaptStateToTokens(prompt, false); // what is the same for every ticket was read once
    const left = prompt.slice(sequence.nextTokenIndex);
    const bounds = {temperature: 0, grammarEvaluationState: new LlamaGrammarEvaluationState({model, grammar})};
    for await (const token of sequence.evaluate(left.length ? left : prompt.slice(-1), bounds)) {
        if (model.isEogToken(token) || said.push(token) >= asked.max_tokens || whole(model.detokenize(said))) break;
    }
    const usage = {prompt_tokens: prompt.length, completion_tokens: said.length, total_tokens: prompt.length + said.length};
    const message = {role: "assistant", content: model.detokenize(said)};
    let finish_reason = "length";
    try {
        const {name, arguments: given} = JSON.parse(message.content);
        message.tool_calls = [{id: `call_${Date.now()}`, type: "function", function: {name, arguments: JSON.stringify(given)}}];
        [message.content, finish_reason] = [null, "tool_calls"];
    } catch { /* cut before its end */ }
    return {id: "chatcmpl-1", object: "chat.completion", model: asked.model, choices: [{index: 0, message, finish_reason}], usage};
}

const server = createServer(async (request, response) => {
    const parts = [];
    for await (const part of request) parts.push(part);
    const answer = turn = turn.then(() => complete(JSON.parse(Buffer.concat(parts)))).then((body) => [200, body],
        (error) => [error.status ?? 500, {error: {message: error.message, type: "server_error", code: error.code ?? null}}]);
    const [status, body] = await answer;
    response.writeHead(status, {"content-type": "application/json"}).end(JSON.stringify(body));
});
server.listen(0, "127.0.0.1", () => console.log(`http://127.0.0.1:${server.address().port}/v1`));
