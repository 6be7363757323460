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
        var contract = (await network.Parties[1].ReceiptAsync(hash, CancellationToken.None))["contractAddress"]!.GetValue<string>();

        await LocalNetwork.UntilAsync(
            () => Task.FromResult(Trees(receiver, "eth_sendTransaction")
            .Any(tree => IsWhole(tree, managers: 2) && tree.Exists(s => s.Name == "transaction.submit"))),
            () => "the tree of eth_sendTransaction is whole, with both managers:\n"
                + Told(Trees(receiver, "eth_sendTransaction").SelectMany(t => t)));
        // What goes along with its news is not fetched: nothing over 64 KiB does.
        var longCall = SimpleStorage.Set(7) + new string('0', 160 * 1024);
        await network.Parties[0].SendPrivateAsync(contract, longCall, [network.Parties[1]], CancellationToken.None);
        await LocalNetwork.UntilAsync(() => Task.FromResult(Trees(receiver, "payload.fetch").Any(tree => IsWhole(tree, managers: 1))),
            () => "a tree of payload.fetch is whole:\n" + Told(Trees(receiver, "payload.fetch").SelectMany(t => t)));
        var link = hash[2..34].ToUpperInvariant();
        await LocalNetwork.UntilAsync(
            () => Task.FromResult(receiver.Spans.Where(s => s.Name == "private.execute" && s.Links.Contains(link)).Select(s => s.Instance)
            .Distinct().Count() == 2),
            () => "both parties ran it, and link to its hash:\n" + Told(receiver.Spans.Where(s => s.Name == "private.execute")));
    }

    /// <summary>The traces in which something has this name, each with all its spans.</summary>
    private static List<List<ReceivedSpan>> Trees(TraceReceiver receiver, string name)
    {
        var spans = receiver.Spans;
        return [.. spans.Where(s => s.Name == name).Select(s => s.Trace).Distinct()
            .Select(trace => spans.Where(s => s.Trace == trace).ToList())];
    }

    /// <summary>One root, every other span below a span that came in too, and a node, so many managers and an enclave among them.</summary>
    private static bool IsWhole(List<ReceivedSpan> tree, int managers) =>
        tree.Count(s => s.Parent.Length == 0) == 1
        && tree.Where(s => s.Parent.Length > 0).All(s => tree.Exists(p => p.Id == s.Parent))
        && tree.Exists(s => s.Service == "quorummesh-node")
        && tree.Where(s => s.Service == "quorummesh-txmanager").Select(s => s.Instance).Distinct().Count() == managers
        && tree.Exists(s => s.Service == "quorummesh-enclave");

    private static string Told(IEnumerable<ReceivedSpan> spans) =>
        string.Join('\n', spans.Select(s => $"{s.Service} {s.Source} {s.Name} {s.Id} below {s.Parent}"));
}
