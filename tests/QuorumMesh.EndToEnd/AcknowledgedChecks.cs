using System.Text.Json.Nodes;

namespace QuorumMesh.EndToEnd;

/// <summary>What must hold of everything that a node answered for with a hash.</summary>
internal static class AcknowledgedChecks
{
    private const int CallsAtOnce = 100;
    private const int TellAtMost = 5;
    private const string NoState = "none";

    /// <summary>
    /// Each is mined, in one place and with one outcome; the parties hold the payload of a private one, and no other does.
    /// </summary>
    public static async Task<IReadOnlyList<Acknowledged>> AssertKeptAsync(LocalNetwork network, IReadOnlyList<Acknowledged> sent)
    {
        foreach (var chunk in sent.Chunk(CallsAtOnce))
        {
            var receipts = await Task.WhenAll(Enumerable.Range(0, network.Parties.Count).Select(i => ReceiptsAsync(network, i, chunk)));
            for (var i = 0; i < chunk.Length; i++)
            {
                string[] texts = [.. receipts.Select(seen => seen[i]!.ToJsonString())];
                Assert.True((string?)receipts[0][i]!["status"] == "0x1" && texts.Distinct().Count() == 1,
                    $"{chunk[i]} succeeded, and alike everywhere:\n{string.Join('\n', texts)}");
            }
            await AssertPayloadsAsync(network, [.. chunk.Where(one => !one.Direction.IsPublic)]);
        }
        return sent;
    }

    private static async Task<JsonNode?[]> ReceiptsAsync(LocalNetwork network, int participant, Acknowledged[] sent)
    {
        JsonNode?[] receipts = [];
        await LocalNetwork.UntilAsync(
            async () => (receipts = await network.BatchAsync(participant, "eth_getTransactionReceipt", [.. sent.Select(one => one.Hash)]))
            .All(receipt => receipt is not null),
            () => $"mined at {network.Parties[participant].Name}: "
                + $"{string.Join("; ", sent.Where((_, i) => receipts.ElementAtOrDefault(i) is null).Take(TellAtMost))}");
        return receipts;
    }

    private static async Task AssertPayloadsAsync(LocalNetwork network, Acknowledged[] sent)
    {
        if (sent.Length == 0) return;
        var transactions = await network.BatchAsync(0, "eth_getTransactionByHash", [.. sent.Select(one => one.Hash)]);
        string[] digests = [.. transactions.Select(transaction => (string)transaction!["input"]!)];
        await Task.WhenAll(Enumerable.Range(0, network.Parties.Count).Select(async participant =>
        {
            string[] wrong = [];
            await LocalNetwork.UntilAsync(
                async () => (wrong = Wrong(participant, await network.BatchAsync(participant, "eth_getQuorumPayload", digests)))
                .Length == 0,
                () => $"payloads at {network.Parties[participant].Name}: {string.Join("; ", wrong.Take(TellAtMost))}");
        }));

        string[] Wrong(int participant, JsonNode?[] payloads) =>
            [.. sent.Select((one, i) =>
                (Sent: one, Expected: one.Direction.IsParty(participant) ? one.Data : "0x", Seen: (string?)payloads[i]))
                .Where(p => p.Seen != p.Expected).Select(p => $"{p.Seen} for {p.Sent}")];
    }

    /// <summary>The parties of a contract have one state of it, which no other has.</summary>
    public static async Task AssertSameHistoriesAsync(LocalNetwork network, IReadOnlyList<LoadDirection> directions)
    {
        foreach (var direction in directions.DistinctBy(d => d.Contract))
        {
            var states = new string[network.Parties.Count];
            await LocalNetwork.UntilAsync(
                async () =>
                {
                    var block = $"0x{await network.HeadAsync(0):x}";
                    for (var i = 0; i < states.Length; i++) states[i] = await StateAsync(network, i, direction.Contract, block);
                    return states.Where((_, i) => direction.IsPublic || direction.IsParty(i)).Distinct().Count() == 1;
                },
                () => $"the parties to the contract of {direction.Name} have one state of it: {string.Join("; ", states)}");
            for (var i = 0; i < states.Length; i++)
                Assert.Equal((network.Parties[i].Name, direction.IsPublic || direction.IsParty(i)),
                    (network.Parties[i].Name, states[i] != NoState));
        }
    }

    /// <summary>The contract's word and the root of its storage at a block.</summary>
    private static async Task<string> StateAsync(LocalNetwork network, int participant, string contract, string block)
    {
        var code = (string)(await network.Rpc[participant].CallAsync("eth_getCode", CancellationToken.None, contract, block))!;
        if (code == "0x") return NoState;
        var word = await network.Rpc[participant].CallAsync("eth_getStorageAt", CancellationToken.None, contract,
            HistoryContract.Slot, block);
        return $"{word} {await network.Rpc[participant].CallAsync("eth_storageRoot", CancellationToken.None, contract, block)}";
    }
}
