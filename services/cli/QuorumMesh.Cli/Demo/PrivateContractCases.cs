namespace QuorumMesh.Cli.Demo;

/// <summary>What A, B and C hold after one case, against what they should.</summary>
public sealed record CaseResult(string Title, IReadOnlyList<ulong> Seen, IReadOnlyList<ulong> Expected)
{
    public bool Passed => Seen.SequenceEqual(Expected);
}

/// <summary>The three cases: a private creation, a private call, and a call that leaves one party of the creation out.</summary>
public sealed class PrivateContractCases(IReadOnlyList<DemoParty> parties)
{
    private DemoParty A => parties[0];
    private DemoParty B => parties[1];
    private DemoParty C => parties[2];

    public async Task<IReadOnlyList<CaseResult>> RunAsync(CancellationToken cancel)
    {
        var first = await DeployAsync(A, [B], cancel).ConfigureAwait(false);
        var one = await LookAsync("1  A creates SimpleStorage(42) privateFor [B]", first, [42, 42, 0], cancel).ConfigureAwait(false);
        await SetAsync(B, first, 10, [A], cancel).ConfigureAwait(false);
        var two = await LookAsync("2  B sets 10 privateFor [A]", first, [10, 10, 0], cancel).ConfigureAwait(false);
        var second = await DeployAsync(A, [B, C], cancel).ConfigureAwait(false);
        await SetAsync(B, second, 10, [A], cancel).ConfigureAwait(false);
        var three = await LookAsync("3  A creates it privateFor [B, C], then B sets 10 privateFor [A] only", second, [10, 10, 42], cancel)
            .ConfigureAwait(false);
        return [one, two, three];
    }

    private async Task<string> DeployAsync(DemoParty from, DemoParty[] privateFor, CancellationToken cancel)
    {
        var hash = await from.SendPrivateAsync(null, SimpleStorage.Create(42), privateFor, cancel).ConfigureAwait(false);
        await EverywhereAsync(hash, cancel).ConfigureAwait(false);
        return (await from.ReceiptAsync(hash, cancel).ConfigureAwait(false)).ContractAddress;
    }

    private async Task SetAsync(DemoParty from, string contract, ulong value, DemoParty[] privateFor, CancellationToken cancel) =>
        await EverywhereAsync(await from.SendPrivateAsync(contract, SimpleStorage.Set(value), privateFor, cancel).ConfigureAwait(false),
            cancel).ConfigureAwait(false);

    /// <summary>A transaction must be mined, with status 1, at every participant before the next step reads.</summary>
    private async Task EverywhereAsync(string hash, CancellationToken cancel)
    {
        foreach (var party in parties)
            if ((await party.ReceiptAsync(hash, cancel).ConfigureAwait(false)).Status.HexValue is var status && status != "0x1")
                throw new CommandException($"transaction {hash} has status {status} at {party.Name}");
    }

    private async Task<CaseResult> LookAsync(string title, string contract, ulong[] expected, CancellationToken cancel)
    {
        var seen = new List<ulong>();
        foreach (var party in parties)
            seen.Add(await party.ReadAsync(contract, cancel).ConfigureAwait(false));
        return new CaseResult(title, seen, expected);
    }
}
