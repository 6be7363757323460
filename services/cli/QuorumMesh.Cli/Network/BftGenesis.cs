using System.Text.Json.Nodes;
using QuorumMesh.Chain;
using QuorumMesh.Chain.Istanbul;
using QuorumMesh.Primitives;

namespace QuorumMesh.Cli.Network;

/// <summary>
/// What a genesis of IBFT or QBFT has beside a Raft one's: the engine's settings, and the first validators in the extra data.
/// </summary>
internal static class BftGenesis
{
    private const ulong Epoch = 30_000;
    private const ulong PeriodSeconds = 1;
    private const ulong RequestTimeoutSeconds = 10;

    /// <summary>Completes a genesis that names no engine.</summary>
    public static void Complete(JsonObject genesis, NetworkRequest request, IReadOnlyList<Address> validators)
    {
        var config = genesis["config"]!.AsObject();
        if (request.Consensus == NetworkRequest.Qbft) config["qbft"] = NewForm();
        else if (HasOldForm(request)) config["istanbul"] = OldForm();
        else config["ibft"] = NewForm();
        genesis["difficulty"] = "0x1";
        genesis["mixhash"] = IstanbulHeader.Digest.ToString();
        genesis["extraData"] = Hex.ToHex(request.Consensus == NetworkRequest.Qbft
            ? new QbftExtra(new byte[IstanbulExtra.VanitySize], validators, null, 0, []).Encode()
            : new IstanbulExtra(new byte[IstanbulExtra.VanitySize], [.. validators.Order()], [], []).Encode());
    }

    /// <summary>A GoQuorum that knows the object istanbul alone takes the period from the command line.</summary>
    private static bool HasOldForm(NetworkRequest request) => request.Profile is { } profile
        ? !CompatibilityProfile.Parse(profile).KnowsEngineObjects
        : request.Fork.Equals("constantinople", StringComparison.OrdinalIgnoreCase);

    private static JsonObject OldForm() => new() { ["epoch"] = Epoch, ["policy"] = 0, ["ceil2Nby3Block"] = 0 };

    private static JsonObject NewForm() => new()
    {
        ["epochlength"] = Epoch,
        ["blockperiodseconds"] = PeriodSeconds,
        ["requesttimeoutseconds"] = RequestTimeoutSeconds,
        ["policy"] = 0,
        // Without it a quorum is 2F+1, which is one of two or three validators.
        ["ceil2Nby3Block"] = 0,
    };
}
