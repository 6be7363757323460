using QuorumMesh.Cli.Demo;

namespace QuorumMesh.EndToEnd;

/// <summary>The spans of a private transaction hang together over all services: from the request to the other party's enclave.</summary>
[Collection("network")]
public sealed class TraceTests
{
    [Fact]
    public async Task A_private_transaction_is_one_whole_tree_and_so_is_a_payload_fetch()
    {
        await using var receiver = new TraceReceiver(DemoCommand.FreePorts(1));
        using var endpoint = new ScopedVariable("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.Url);
        using var protocol = new ScopedVariable("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf");
        using var delay = new ScopedVariable("OTEL_BSP_SCHEDULE_DELAY", "200");
        await using var network = await LocalNetwork.StartAsync(2);
        var hash = await network.Parties[0].SendPrivateAsync(null, SimpleStorage.Create(42), [network.Parties[1]], CancellationToken.None);
        await network.Parties[1].ReceiptAsync(hash, CancellationToken.None);

        await LocalNetwork.UntilAsync(() => Task.FromResult(IsWhole(Tree(receiver, "eth_sendTransaction"),
            "quorummesh-node", "quorummesh-txmanager", "quorummesh-enclave")), () => "the tree of eth_sendTransaction is whole:\n" + Told(Tree(receiver, "eth_sendTransaction")));
        var sent = Tree(receiver, "eth_sendTransaction");
        Assert.Equal(2, sent.Where(s => s.Service == "quorummesh-txmanager").Select(s => s.Instance).Distinct().Count());
        Assert.Contains(sent, s => s.Name == "transaction.submit");

        await LocalNetwork.UntilAsync(() => Task.FromResult(IsWhole(Tree(receiver, "payload.fetch"),
            "quorummesh-node", "quorummesh-txmanager", "quorummesh-enclave")), () => "the tree of payload.fetch is whole:\n" + Told(Tree(receiver, "payload.fetch")));
        var link = hash[2..34].ToUpperInvariant();
        await LocalNetwork.UntilAsync(() => Task.FromResult(receiver.Spans.Where(s => s.Name == "private.execute" && s.Links.Contains(link)).Select(s => s.Instance).Distinct().Count() == 2),
            () => "both parties ran it, and link to its hash:\n" + Told(receiver.Spans.Where(s => s.Name == "private.execute")));
    }

    /// <summary>All spans of the first trace in which something has this name.</summary>
    private static List<ReceivedSpan> Tree(TraceReceiver receiver, string name)
    {
        var spans = receiver.Spans;
        return spans.FirstOrDefault(s => s.Name == name) is { } first ? [.. spans.Where(s => s.Trace == first.Trace)] : [];
    }

    /// <summary>One root, every other span below a span that came in too, and all these services among them.</summary>
    private static bool IsWhole(List<ReceivedSpan> tree, params string[] services) =>
        tree.Count(s => s.Parent.Length == 0) == 1
        && tree.Where(s => s.Parent.Length > 0).All(s => tree.Exists(p => p.Id == s.Parent))
        && services.All(service => tree.Exists(s => s.Service == service));

    private static string Told(IEnumerable<ReceivedSpan> spans) => string.Join('\n', spans.Select(s => $"{s.Service} {s.Source} {s.Name} {s.Id} below {s.Parent}"));
}
