using QuorumMesh.Cli.Record;

namespace QuorumMesh.Cli.Tests;

/// <summary>What <c>qmesh record</c> writes down, and what it leaves out.</summary>
public sealed class RedactionTests
{
    private const string Secret = "5ec2e7";

    [Theory]
    [InlineData($$"""{"method":"personal_unlockAccount","params":["0x01","{{Secret}}"],"id":1}""")]
    [InlineData($$"""{"method":"personal_importRawKey","params":["{{Secret}}","x"],"id":1}""")]
    [InlineData($$"""[{"method":"eth_chainId"},{"method":"PERSONAL_sign","params":["{{Secret}}"]}]""")]
    [InlineData($$"""{"method":"personal_sign","params":{"a":"{{Secret}}"} }""")]
    [InlineData($$"""{"method":"eth_sendTransaction","params":[{"data":"0x{{Secret}}","privateFor":[]}]}""")]
    [InlineData($$"""{"method":"eth_fillTransaction","params":[{"input":"0x{{Secret}}","privateFor":["k"]}]}""")]
    [InlineData($$"""{"method":"eth_sendTransactionAsync","params":[{"callbackUrl":"http://x/?token={{Secret}}"}]}""")]
    [InlineData($$"""no JSON {{Secret}}""")]
    [InlineData($$"""{"method":"personal_sign","method":"eth_chainId","params":["{{Secret}}"]}""")]
    [InlineData($$"""{"method":"eth_sendTransaction","params":[{"privateFor":[],"privateFor":null,"data":"{{Secret}}"}]}""")]
    [InlineData($$"""{"method":"personal_sign","\ud800":1,"params":["{{Secret}}"]}""")]
    [InlineData($$"""{"method":"\ud800","params":[{"privateFor":[],"data":"{{Secret}}"}]}""")]
    public void Secrets_of_a_request_are_left_out(string request) =>
        Assert.DoesNotContain(Secret, Redaction.Request(request, withPrivateData: false).ToJsonString(), StringComparison.Ordinal);

    [Theory]
    [InlineData("""{"method":"personal_sign","params":[]}""", false)]
    [InlineData("""{"method":"personal_sign","params":[]}""", true)]
    [InlineData("""{"method":"eth_getQuorumPayload","params":["0x"]}""", false)]
    [InlineData("""{"method":"eth_getQuorumPayloadExtra","params":["0x"]}""", false)]
    [InlineData("""{"method":"debug_traceTransaction","params":["0x"]}""", false)]
    [InlineData("""{"method":"eth_chainId","method":"personal_sign","params":[]}""", false)]
    [InlineData("""{"method":"eth_chainId","\ud800":1}""", false)]
    [InlineData("""[{"method":"eth_chainId"},{"method":"personal_newAccount","params":["p"]}]""", false)]
    public void Secrets_of_an_answer_are_left_out(string request, bool withPrivateData)
    {
        var answer = $$"""{"jsonrpc":"2.0","id":1,"result":"{{Secret}}"}""";
        var refusal = $$"""{"jsonrpc":"2.0","id":1,"error":{"code":3,"message":"reverted","data":"{{Secret}}"} }""";
        foreach (var one in new[] { answer, refusal })
        {
            var answered = request[0] == '[' ? $"[{one},{one}]" : one;
            Assert.DoesNotContain(Secret, Redaction.Response(answered, request, withPrivateData).ToJsonString(), StringComparison.Ordinal);
        }
    }

    [Fact]
    public void What_is_public_or_asked_for_stays()
    {
        var open = $$"""{"method":"eth_sendTransaction","params":[{"data":"0x{{Secret}}"}]}""";
        Assert.Equal(open, Redaction.Request(open, withPrivateData: false).ToJsonString());
        var hidden = $$"""{"method":"eth_sendTransaction","params":[{"data":"0x{{Secret}}","privateFor":[]}]}""";
        Assert.Equal(hidden, Redaction.Request(hidden, withPrivateData: true).ToJsonString());
        var answer = $$"""{"id":1,"result":"{{Secret}}"}""";
        Assert.Equal(answer, Redaction.Response(answer, """{"method":"eth_call"}""", withPrivateData: false).ToJsonString());
        Assert.Equal(answer, Redaction.Response(answer, """{"method":"eth_getQuorumPayload"}""", withPrivateData: true).ToJsonString());
    }

    [Theory]
    [InlineData("""{"jsonrpc":"2.0","id":1,"method":"eth_chainId"}""", "eth_chainId")]
    [InlineData($$"""{"jsonrpc":"2.0","id":1,"method":"personal_sign","method":"eth_chainId","params":["{{Secret}}"]}""", "left out")]
    [InlineData($$"""{"jsonrpc":"2.0","id":1,"method":"eth_chainId","params":["\ud800{{Secret}}"]}""", "left out")]
    public async Task A_recording_holds_the_exchange_and_no_token(string asked, string written)
    {
        using var node = new System.Net.HttpListener();
        var (own, theirs) = (FreePort(), FreePort());
        node.Prefixes.Add($"http://127.0.0.1:{theirs}/");
        node.Start();
        var seen = "";
        var answering = Task.Run(async () =>
        {
            var context = await node.GetContextAsync();
            seen = context.Request.Headers["Authorization"] ?? "";
            context.Response.ContentType = "application/json";
            await context.Response.OutputStream.WriteAsync("""{"jsonrpc":"2.0","id":1,"result":"0xa"}"""u8.ToArray());
            context.Response.Close();
        });
        using var stop = new CancellationTokenSource();
        await using var file = new StringWriter();
        var proxy = new RecordingProxy(new Uri($"http://127.0.0.1:{theirs}/?token={Secret}"), file, withPrivateData: false);
        var running = proxy.RunAsync(own, stop.Token);
        using var http = new HttpClient { Timeout = TimeSpan.FromSeconds(60) };
        using var request = new HttpRequestMessage(HttpMethod.Post, $"http://127.0.0.1:{own}/")
        {
            Content = new StringContent(asked, System.Text.Encoding.UTF8, "application/json"),
        };
        request.Headers.TryAddWithoutValidation("Authorization", $"Bearer {Secret}");
        request.Headers.TryAddWithoutValidation("User-Agent", "web3.py");
        using var answer = await http.SendAsync(request);
        Assert.Contains("0xa", await answer.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        await answering;
        await stop.CancelAsync();
        try
        {
            await running;
        }
        catch (OperationCanceledException)
        {
            // As asked.
        }
        Assert.Equal($"Bearer {Secret}", seen);
        Assert.Contains(written, file.ToString(), StringComparison.Ordinal);
        Assert.Single(file.ToString().TrimEnd().Split('\n'));
        Assert.Contains("web3.py", file.ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain(Secret, file.ToString(), StringComparison.Ordinal);
    }

    private static int FreePort()
    {
        using var listener = new System.Net.Sockets.TcpListener(System.Net.IPAddress.Loopback, 0);
        listener.Start();
        return ((System.Net.IPEndPoint)listener.LocalEndpoint).Port;
    }
}
