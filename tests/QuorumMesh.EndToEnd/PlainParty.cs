using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Nodes;
using QuorumMesh.Cli;
using QuorumMesh.Cli.Demo;
using QuorumMesh.Cli.Network;

namespace QuorumMesh.EndToEnd;

/// <summary>A participant as a dApp without a library sees it: deploys, calls and reads through plain JSON-RPC.</summary>
public sealed class PlainParty(HttpClient http, Participant participant)
{
    private static readonly TimeSpan MiningTimeout = TimeSpan.FromSeconds(60);

    private readonly JsonRpcClient _rpc = new(http, participant.Rpc);

    public string Name => participant.Name;
    public string ManagerKey => participant.TxManagerKey;

    /// <returns>The transaction hash.</returns>
    public async Task<string> SendPrivateAsync(string? to, string data, IEnumerable<PlainParty> privateFor, CancellationToken cancel)
    {
        var transaction = new JsonObject
        {
            ["from"] = participant.Account,
            ["data"] = data,
            ["gas"] = "0x47b760",
            ["privateFor"] = new JsonArray([.. privateFor.Select(p => (JsonNode)p.ManagerKey)])
        };
        if (to is not null) transaction["to"] = to;
        return (string)(await _rpc.CallAsync("eth_sendTransaction", cancel, transaction).ConfigureAwait(false))!;
    }

    /// <summary>Waits until this participant has the receipt.</summary>
    public async Task<JsonNode> ReceiptAsync(string hash, CancellationToken cancel)
    {
        var clock = Stopwatch.StartNew();
        while (true)
        {
            if (await _rpc.CallAsync("eth_getTransactionReceipt", cancel, hash).ConfigureAwait(false) is { } receipt) return receipt;
            if (clock.Elapsed > MiningTimeout)
                throw new CommandException($"transaction {hash} has no receipt at {Name} after {MiningTimeout.TotalSeconds} s");
            await Task.Delay(20, cancel).ConfigureAwait(false);
        }
    }

    /// <summary>The number that the contract holds here; 0 where there is no code, as a dApp's library shows it.</summary>
    public async Task<ulong> ReadAsync(string contract, CancellationToken cancel)
    {
        var call = new JsonObject { ["to"] = contract, ["data"] = SimpleStorage.Get };
        var word = (string)(await _rpc.CallAsync("eth_call", cancel, call, "latest").ConfigureAwait(false))!;
        return word.Length <= 2 ? 0 : ulong.Parse(word.AsSpan(2), NumberStyles.HexNumber, CultureInfo.InvariantCulture);
    }
}
