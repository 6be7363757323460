using System.Collections.Concurrent;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using QuorumMesh.Cli.Demo;

namespace QuorumMesh.EndToEnd;

/// <summary>What a node answered for with a hash.</summary>
/// <param name="Data">The call, which no other transaction has.</param>
internal sealed record Acknowledged(LoadDirection Direction, string Hash, string Data)
{
    public override string ToString() => $"{Direction.Name} {Hash}";
}

/// <summary>
/// Calls of one contract from one participant: public ones, or private ones for some of the others. Counts what became of them.
/// </summary>
/// <param name="privateFor">The others that are party to it; empty for public transactions.</param>
internal sealed partial class LoadDirection(LocalNetwork network, int from, int[] privateFor, string contract)
{
    private const int MaxReasons = 12;
    private const int MaxReasonLength = 160;

    private readonly ConcurrentDictionary<string, int> _refusals = new();
    private int _acknowledged;

    public string Contract => contract;
    public bool IsPublic => privateFor.Length == 0;
    public string Name => $"{network.Parties[from].Name} "
        + $"{(IsPublic ? "public" : "-> " + string.Join('+', privateFor.Select(i => network.Parties[i].Name)))}";
    public int Acknowledged => _acknowledged;
    public int Refused => _refusals.Values.Sum();

    public bool IsParty(int participant) => participant == from || privateFor.Contains(participant);

    /// <summary>By the participant's own account: its node gives the nonce, signs and, for a private one, distributes.</summary>
    /// <returns>The transaction hash.</returns>
    public Task<string> SendByNodeAsync(string data) => IsPublic
        ? network.SendPublicAsync(from, contract, data)
        : network.Parties[from].SendPrivateAsync(contract, data, Recipients, CancellationToken.None);

    /// <summary>By an account that no node knows.</summary>
    /// <returns>The transaction hash.</returns>
    public async Task<string> SendByWalletAsync(OfflineWallet wallet, string data)
    {
        if (IsPublic) return await CallAsync("eth_sendRawTransaction", wallet.Sign(contract, data, network.Definition.ChainId));
        var raw = wallet.SignPrivate(contract, await network.StoreRawAsync(from, data));
        return await CallAsync("eth_sendRawPrivateTransaction", raw,
            new JsonObject { ["privateFor"] = new JsonArray([.. Recipients.Select(p => (JsonNode)p.ManagerKey)]) });
    }

    public void CountAcknowledged() => Interlocked.Increment(ref _acknowledged);

    public void CountRefused(string message)
    {
        var reason = ReasonOf(message);
        _refusals.AddOrUpdate(_refusals.ContainsKey(reason) || _refusals.Count < MaxReasons ? reason : "other reasons", 1,
            (_, count) => count + 1);
    }

    /// <summary>A line of figures, and a line for each reason.</summary>
    public override string ToString() => string.Join('\n',
        [$"{Name}: {Acknowledged} acknowledged, {Refused} refused",
            .. _refusals.OrderByDescending(r => r.Value).Select(r => $"    {r.Value} x {r.Key}")]);

    private IEnumerable<PlainParty> Recipients => privateFor.Select(i => network.Parties[i]);

    private async Task<string> CallAsync(string method, params JsonNode?[] parameters) =>
        (string)(await network.Rpc[from].CallAsync(method, CancellationToken.None, parameters))!;

    /// <summary>Without what differs from one refusal to the next, so that few texts remain.</summary>
    private static string ReasonOf(string message)
    {
        var reason = Varying().Replace(message.ReplaceLineEndings(" "), "#");
        return reason.Length > MaxReasonLength ? reason[..MaxReasonLength] + "..." : reason;
    }

    /// <summary>URLs, paths, hashes, keys in base64, numbers and addresses.</summary>
    [GeneratedRegex(@"https?://[^\s,;)]+|(?<=\s)/[^\s:,;)]+|0x[0-9a-fA-F]+|[A-Za-z0-9+/]{43,}=*|\d[\d.:]*")]
    private static partial Regex Varying();
}
