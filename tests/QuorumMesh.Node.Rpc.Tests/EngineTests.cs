using System.Text;
using System.Text.Json;
using CsCheck;
using Microsoft.Extensions.Logging.Abstractions;
using QuorumMesh.Node.Rpc.Engine;
using QuorumMesh.Node.Rpc.Json;

namespace QuorumMesh.Node.Rpc.Tests;

/// <summary>The engine by itself, with a few methods of its own.</summary>
public sealed class EngineTests
{
    private static readonly RpcSession Session = new(null, null);

    [Theory]
    [InlineData("""{"jsonrpc":"2.0","id":1,"method":"test_echo","params":["x"]}""", """{"jsonrpc":"2.0","id":1,"result":"x"}""")]
    [InlineData("""{"id":"a\"b","method":"test_echo","params":["x"]}""", """{"jsonrpc":"2.0","id":"a\"b","result":"x"}""")]
    [InlineData("""{"id":1.5,"method":"test_none"}""", """{"jsonrpc":"2.0","id":1.5,"result":true}""")]
    [InlineData("""{"id":null,"method":"test_none","params":null}""", """{"jsonrpc":"2.0","id":null,"result":true}""")]
    [InlineData("""{"id":1,"method":"test_none","params":[1,2]}""", """{"jsonrpc":"2.0","id":1,"result":true}""")]
    [InlineData("""{"id":1,"method":"test_\u0065cho","params":["x"]}""", """{"jsonrpc":"2.0","id":1,"result":"x"}""")]
    public async Task Answers_requests(string request, string expected) => AssertSame(expected, await AskAsync(request));

    [Theory]
    [InlineData("""{"id":1,"method":"test_echo","params":[]}""", -32602, "missing value for required argument 0")]
    [InlineData("""{"id":1,"method":"test_echo","params":[null]}""", -32602, "missing value for required argument 0")]
    [InlineData("""{"id":1,"method":"test_echo"}""", -32602, "missing value for required argument 0")]
    [InlineData("""{"id":1,"method":"test_echo","params":["a","b"]}""", -32602, "too many arguments, want at most 1")]
    [InlineData("""{"id":1,"method":"test_echo","params":[7]}""", -32602,
        "invalid argument 0: json: cannot unmarshal number into Go value of type string")]
    [InlineData("""{"id":1,"method":"test_echo","params":{"a":1}}""", -32602, "non-array args")]
    [InlineData("""{"id":1,"method":"test_nope","params":[]}""", -32601, "The method test_nope does not exist/is not available")]
    [InlineData("""{"id":1,"method":"test_fail"}""", -32000, "it failed")]
    [InlineData("""{"id":1,"method":"test_crash"}""", -32603, "internal error: see the node's log")]
    [InlineData("""{"id":{"a":1},"method":"test_none"}""", -32600, "invalid request id")]
    [InlineData("""{"id":1}""", -32600, "a request must have a method name")]
    [InlineData("""{"id":1,"method":7}""", -32600, "the method name must be a string")]
    [InlineData("[]", -32600, "empty batch")]
    [InlineData(" [ ] ", -32600, "empty batch")]
    [InlineData("""{"id":1,"method":"test_none","params":{}}""", -32602, "non-array args")]
    [InlineData("""{"id":1,"method":"test_none","params":"x"}""", -32602, "non-array args")]
    [InlineData("5", -32600, "a request must be a JSON object")]
    [InlineData("\"x\"", -32600, "a request must be a JSON object")]
    public async Task Refuses_with_code_and_text(string request, int code, string message)
    {
        using var answer = JsonDocument.Parse(await AskAsync(request));
        Assert.Equal(code, answer.RootElement.GetProperty("error").GetProperty("code").GetInt32());
        Assert.Equal(message, answer.RootElement.GetProperty("error").GetProperty("message").GetString());
    }

    [Theory]
    [InlineData("")]
    [InlineData("hello")]
    [InlineData("""{"id":1,""")]
    [InlineData("""[{"id":1,"method":"test_none"}""")]
    [InlineData("""{"id":1,"method":"test_none"}{"id":2,"method":"test_none"}""")]
    [InlineData("""{"id":1,"method":"test_none",}""")]
    [InlineData("{\"id\":1,\"method\":\"test_\u0001\"}")]
    public async Task Broken_JSON_is_a_parse_error_with_null_id(string request)
    {
        using var answer = JsonDocument.Parse(await AskAsync(request));
        Assert.Equal(-32700, answer.RootElement.GetProperty("error").GetProperty("code").GetInt32());
        Assert.Equal(JsonValueKind.Null, answer.RootElement.GetProperty("id").ValueKind);
    }

    [Fact]
    public async Task Deep_nesting_is_refused_everywhere()
    {
        var deep = new string('[', 100_000) + new string(']', 100_000);
        foreach (var request in new[] { deep, $$"""{"id":1,"method":"test_echo","params":{{deep}}}""",
            $$"""{"id":1,"x":{{deep}},"method":"test_none"}""" })
        {
            using var answer = JsonDocument.Parse(await AskAsync(request));
            Assert.Equal(-32700, answer.RootElement.GetProperty("error").GetProperty("code").GetInt32());
        }
    }

    [Fact]
    public async Task Batch_answers_in_order_and_skips_notifications()
    {
        var answer = await AskAsync(
            """[{"id":1,"method":"test_echo","params":["a"]},{"method":"test_none"},5,{"id":3,"method":"test_nope"},{"id":4,"method":"test_partial"},{"id":5,"method":"test_echo","params":["b"]}]""");
        using var json = JsonDocument.Parse(answer);
        Assert.Equal(5, json.RootElement.GetArrayLength());
        Assert.Equal("a", json.RootElement[0].GetProperty("result").GetString());
        Assert.Equal(-32600, json.RootElement[1].GetProperty("error").GetProperty("code").GetInt32());
        Assert.Equal(-32601, json.RootElement[2].GetProperty("error").GetProperty("code").GetInt32());
        Assert.Equal("half way", json.RootElement[3].GetProperty("error").GetProperty("message").GetString());
        Assert.Equal("b", json.RootElement[4].GetProperty("result").GetString());
    }

    [Theory]
    [InlineData("""{"method":"test_none"}""")]
    [InlineData("""{"method":"test_fail"}""")]
    [InlineData("""[{"method":"test_none"},{"method":"test_nope"}]""")]
    public async Task Notifications_have_no_answer(string request) => Assert.Equal("", await AskAsync(request));

    /// <summary>The JSON reader takes such a message and throws when the string is fetched: no answer came, or an internal error.</summary>
    [Theory]
    [InlineData("""{"id":1,"method":"test_\ud800"}""", "half of a surrogate pair")]
    [InlineData("""{"id":1,"method":"test_echo","params":["\ud800"]}""", "half of a surrogate pair")]
    [InlineData("""{"id":1,"method":"test_echo","params":["\ud800\ud800"]}""", "half of a surrogate pair")]
    [InlineData("""{"id":1,"method":"test_echo","params":["\uDC00"]}""", "half of a surrogate pair")]
    [InlineData("""{"id":1,"\ud800":1,"method":"test_none"}""", "half of a surrogate pair")]
    [InlineData("""[{"id":1,"method":"test_none"},{"id":2,"method":"\udfff"}]""", "half of a surrogate pair")]
    [InlineData("{\"id\":1,\"method\":\"\u00ff\"}", "not UTF-8")]
    [InlineData("{\"id\":\"\u00ff\",\"method\":\"test_none\"}", "not UTF-8")]
    [InlineData("{\"id\":1,\"\u00ff\":1,\"method\":\"test_none\"}", "not UTF-8")]
    [InlineData("{\"id\":1,\"method\":\"test_echo\",\"params\":[\"\u00ff\"]}", "not UTF-8")]
    public async Task What_is_no_text_is_a_parse_error(string request, string reason)
    {
        using var answer = JsonDocument.Parse(await AskAsync(Encoding.Latin1.GetBytes(request)));
        Assert.Equal(-32700, answer.RootElement.GetProperty("error").GetProperty("code").GetInt32());
        Assert.Contains(reason, answer.RootElement.GetProperty("error").GetProperty("message").GetString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"id":1,"method":"test_echo","params":["\ud83d\ude00"]}""", "\U0001F600")]
    [InlineData("""{"id":1,"method":"test_echo","params":["\\ud800"]}""", "\\ud800")]
    public async Task Whole_pairs_and_escaped_backslashes_are_text(string request, string text)
    {
        using var answer = JsonDocument.Parse(await AskAsync(request));
        Assert.Equal(text, answer.RootElement.GetProperty("result").GetString());
    }

    [Fact]
    public async Task Batches_are_bounded()
    {
        using var tooMany = JsonDocument.Parse(await AskAsync("[" + string.Join(',', Enumerable.Repeat("1", 1_001)) + "]"));
        Assert.Equal(-32600, tooMany.RootElement.GetProperty("error").GetProperty("code").GetInt32());
        Assert.StartsWith("batch too large", tooMany.RootElement.GetProperty("error").GetProperty("message").GetString());

        using var tooLong = JsonDocument.Parse(
            await AskAsync("[" + string.Join(',',
            Enumerable.Range(0, 50).Select(i => $$"""{"id":{{i}},"method":"test_megabyte"}""")) + "]"));
        var last = tooLong.RootElement[49];
        Assert.Equal(49, last.GetProperty("id").GetInt32());
        Assert.Equal(-32003, last.GetProperty("error").GetProperty("code").GetInt32());
        Assert.True(tooLong.RootElement[0].TryGetProperty("result", out _));
    }

    [Fact]
    public async Task Closed_namespaces_do_not_exist()
    {
        var session = new RpcSession(new HashSet<string> { "other" }, null);
        using var answer = JsonDocument.Parse(await AskAsync("""{"id":1,"method":"test_none"}""", session));
        Assert.Equal(-32601, answer.RootElement.GetProperty("error").GetProperty("code").GetInt32());
    }

    [Fact]
    public void Random_bytes_never_break_the_engine()
    {
        string[] known = ["{", "}", "[", "]", "\"", ":", ",", "\"id\"", "\"method\"", "\"params\"", "\"test_echo\"", "1", "null", "\\",
            "\0", "é", " "];
        var pieces = Gen.Int[0, known.Length - 1].Select(i => known[i]);
        Gen.Select(pieces.Array[0, 40], Gen.Byte.Array[0, 8]).Sample((text, noise) =>
        {
            byte[] request = [.. Encoding.UTF8.GetBytes(string.Concat(text)), .. noise];
            var answer = Ask(request);
            if (answer.Length > 0) JsonDocument.Parse(answer).Dispose();
        }, iter: 2_000);
    }

    private static string Ask(byte[] request)
    {
        using var response = RpcResponse.Rent();
        CreateEngine().ProcessAsync(request, response, Session, default).AsTask().GetAwaiter().GetResult();
        return Encoding.UTF8.GetString(response.Written.Span);
    }

    private static Task<string> AskAsync(string request, RpcSession? session = null) => AskAsync(Encoding.UTF8.GetBytes(request), session);

    private static async Task<string> AskAsync(byte[] request, RpcSession? session = null)
    {
        using var response = RpcResponse.Rent();
        await CreateEngine().ProcessAsync(request, response, session ?? Session, default);
        return Encoding.UTF8.GetString(response.Written.Span);
    }

    internal static RpcEngine CreateEngine(RpcLimits? limits = null, Action? flooded = null, int flood = 0)
    {
        var table = new RpcMethodTable();
        table.Add("test_echo", 1, call => call.Result.WriteStringValue(call.Text(0)));
        table.Add("test_none", 0, call => call.Result.WriteBooleanValue(true));
        table.Add("test_fail", 0, _ => throw new RpcException("it failed"));
        table.Add("test_crash", 0, _ => throw new InvalidOperationException("secret details"));
        table.Add("test_partial", 0, call =>
        {
            call.Result.WriteStartObject();
            call.Result.WriteString("half", new string('x', 100_000));
            throw new RpcException("half way");
        });
        table.Add("test_megabyte", 0, call => call.Result.WriteStringValue(new string('x', 1 << 20)));
        table.Add("test_end", 0, call =>
        {
            call.Result.WriteBooleanValue(true);
            call.AfterResponse(() => call.Session.Notifications!.End("events are lost"));
        });
        table.Add("test_flood", 0, call =>
        {
            call.Result.WriteBooleanValue(true);
            var message = new byte[flood];
            message.AsSpan().Fill((byte)'7');
            call.AfterResponse(() =>
            {
                while (call.Session.Notifications!.TrySend(message))
                {
                }
                flooded?.Invoke();
            });
        });
        table.AddAsync("test_slow", 0, async call =>
        {
            await Task.Delay(Timeout.Infinite, call.Cancellation);
        });
        return new RpcEngine(table, limits ?? new RpcLimits(), _ => null, NullLogger.Instance);
    }

    private static void AssertSame(string expected, string actual)
    {
        using var left = JsonDocument.Parse(expected);
        using var right = JsonDocument.Parse(actual);
        Assert.True(JsonElement.DeepEquals(left.RootElement, right.RootElement), actual);
    }
}
