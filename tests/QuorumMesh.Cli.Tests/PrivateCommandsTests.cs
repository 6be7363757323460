using System.Net.Sockets;
using System.Text;
using System.Text.Json.Nodes;
using QuorumMesh.Cli.Private;

namespace QuorumMesh.Cli.Tests;

public sealed class PrivateCommandsTests : IDisposable
{
    private readonly string _temp = Directory.CreateTempSubdirectory("qm-").FullName;

    public void Dispose() => Directory.Delete(_temp, recursive: true);

    [Fact]
    public async Task The_node_is_named_and_runs()
    {
        Assert.Contains("--datadir", (await Assert.ThrowsAsync<CommandException>(() => RunAsync("status"))).Message,
            StringComparison.Ordinal);
        var away = await Assert.ThrowsAsync<CommandException>(() => RunAsync("status", "--datadir", _temp));
        Assert.Contains(Path.Combine(_temp, "geth.ipc"), away.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("quorummesh_acceptManager", "[false]", "accept-manager")]
    [InlineData("quorummesh_acceptManager", "[true]", "accept-manager", "--force")]
    [InlineData("quorummesh_rewindPrivate", "[null]", "rewind")]
    [InlineData("quorummesh_rewindPrivate", "[\"0x2a\"]", "rewind", "--block", "42")]
    [InlineData("quorummesh_askAgain", "[null]", "ask-again")]
    [InlineData("quorummesh_askAgain", "[\"0x2a\"]", "ask-again", "--blocks", "42")]
    [InlineData("quorummesh_privateStatus", "[]", "status")]
    public async Task Each_command_is_one_call_over_the_nodes_socket(string method, string parameters, params string[] command)
    {
        var asked = AnswerAsync("""{"jsonrpc":"2.0","id":1,"result":null}""");
        Assert.Equal(0, await RunAsync([.. command, "--datadir", _temp]));
        var request = await asked;
        Assert.Equal((method, parameters), (request["method"]!.GetValue<string>(), request["params"]!.ToJsonString()));
    }

    [Fact]
    public async Task What_the_node_refuses_is_told_in_its_words()
    {
        var asked = AnswerAsync(
            """{"jsonrpc":"2.0","id":1,"error":{"code":-32000,"message":"the transaction manager is accepted already"}}""");
        Assert.Equal("the transaction manager is accepted already",
            (await Assert.ThrowsAsync<CommandException>(() => RunAsync("accept-manager", "--datadir", _temp))).Message);
        await asked;
    }

    [Fact]
    public void The_status_is_for_people()
    {
        var status = JsonNode.Parse("""
            {"head":"0x14","privateHead":"0x7","waitingFor":"0xab","reason":"it is lost","refusal":"another database","acceptedDatabase":{"id":"one","watermark":10},"seenDatabase":{"id":"two","watermark":3},
             "latePayloads":2,"firstLateBlock":"0x5"}
            """);
        string[] lines = [.. PrivateCommands.Lines(status)];
        Assert.Contains("public head 20, private head 7", lines);
        Assert.Contains("STOPPED: another database", lines);
        Assert.Contains("waits for payload 0xab: it is lost", lines);
        Assert.Contains("database of the transaction manager: one, at record 10", lines);
        Assert.Contains("it answers now from: two, at record 3", lines);
        Assert.Contains("payloads that came too late to be run: 2, the first for block 5", lines[^1], StringComparison.Ordinal);
    }

    /// <summary>A node's socket that answers one call, in two pieces.</summary>
    private Task<JsonNode> AnswerAsync(string answer)
    {
        var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        listener.Bind(new UnixDomainSocketEndPoint(Path.Combine(_temp, "geth.ipc")));
        listener.Listen();
        return Task.Run(async () =>
        {
            using var _ = listener;
            using var client = await listener.AcceptAsync().WaitAsync(TimeSpan.FromMinutes(2));
            using var reader = new StreamReader(new NetworkStream(client));
            var request = JsonNode.Parse((await reader.ReadLineAsync())!)!;
            await client.SendAsync(Encoding.UTF8.GetBytes(answer[..^1]));
            await client.SendAsync(Encoding.UTF8.GetBytes(answer[^1..] + "\n"));
            return request;
        });
    }

    private static Task<int> RunAsync(params string[] arguments) =>
        PrivateCommands.Create().Parse(arguments)
        .InvokeAsync(new System.CommandLine.InvocationConfiguration { EnableDefaultExceptionHandler = false });
}
