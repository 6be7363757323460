using Microsoft.Extensions.Logging;
using QuorumMesh.Chain;
using QuorumMesh.Node.Rpc.Api;
using QuorumMesh.Node.Rpc.Engine;
using QuorumMesh.Node.Runtime;
using QuorumMesh.Primitives;

namespace QuorumMesh.Node.Rpc.Calls;

/// <summary>
/// Looks at public transactions before they are sent for those that were most likely meant to be private: many libraries drop
/// <c>privateFor</c> without a word. What this node's chain and private state show decides, nothing else.
/// </summary>
internal sealed class PrivateGuard(INode node, PrivateGuardMode mode, ILogger logger)
{
    private static readonly TimeSpan Silence = TimeSpan.FromMinutes(1);
    private const int MostRemembered = 1_024;

    private readonly Dictionary<Address, DateTimeOffset> _told = [];
    private readonly Lock _gate = new();

    public bool IsOn => mode != PrivateGuardMode.Off;

    /// <param name="to">Null for a creation.</param>
    /// <param name="userAgent">Of the client, for the call that works there.</param>
    /// <param name="batch">What is known of others that came in the same request; null for none.</param>
    /// <exception cref="RpcException">It is refused; the text says why, and which call works.</exception>
    public async ValueTask RequireMeantAsync(Address from, Address? to, string? userAgent, CancellationToken cancellation,
        PrivateGuardBatch? batch = null)
    {
        if (!IsOn) return;
        var finding = to is { } contract ? JudgeCall(contract, batch?.Judged)
            : await JudgeCreationAsync(from, batch?.CreationsOf(from) ?? [], cancellation).ConfigureAwait(false);
        if (finding == PrivateGuardFinding.None) return;
        RpcMetrics.Guarded(finding, mode);
        var cause = finding == PrivateGuardFinding.PrivateContract
            ? $"{to} holds a private contract at this node and nothing in public"
            : $"{from} has created private contracts alone so far";
        Tell(to ?? from, cause);
        if (mode != PrivateGuardMode.Refuse) return;
        throw new RpcException($"this node refuses this public transaction (--private-guard refuse): {cause}. A library has most likely "
            + $"dropped privateFor, and the data would be public for ever. What works: {LibraryCall.For(userAgent)} (docs/dapps.md)");
    }

    private PrivateGuardFinding JudgeCall(Address to, Dictionary<Address, PrivateGuardFinding>? judged)
    {
        if (judged is null) return JudgeCall(to);
        if (!judged.TryGetValue(to, out var known)) judged[to] = known = JudgeCall(to);
        return known;
    }

    private PrivateGuardFinding JudgeCall(Address to)
    {
        using var view = node.OpenView();
        var isPrivate = view.PrivateState(Math.Min(view.Head, view.PrivateHead)).GetAccount(to) is { } own
            && own.CodeHash != Hash256.EmptyCode;
        if (!isPrivate) return PrivateGuardFinding.None;
        var shared = view.PublicState(view.Head).GetAccount(to);
        return PrivateGuardRule.ForCall(isPrivate, shared is { } a && (a.CodeHash != Hash256.EmptyCode || !a.Balance.IsZero));
    }

    private async ValueTask<PrivateGuardFinding> JudgeCreationAsync(Address from, IReadOnlyList<bool> earlier,
        CancellationToken cancellation)
    {
        var pool = await node.PoolContentAsync(new HashSet<Address> { from }, cancellation).ConfigureAwait(false);
        var pending = pool.SelectMany(c => c.Pending.Concat(c.Queued)).Where(t => t.Tx.IsCreation).Select(t => t.Tx.IsPrivate)
            .Concat(earlier).ToList();
        // After the pool was asked: what left it in between is in the blocks of this view.
        using var view = node.OpenView();
        return PrivateGuardRule.ForCreation(view.CreationsOf(from), pending);
    }

    /// <summary>Once a minute for an address, so that a client that tries again and again does not fill the log.</summary>
    private void Tell(Address about, string cause)
    {
        var now = DateTimeOffset.UtcNow;
        lock (_gate)
        {
            if (_told.TryGetValue(about, out var last) && now - last < Silence) return;
            if (_told.Count >= MostRemembered) _told.Clear();
            _told[about] = now;
        }
        logger.LogWarning("A public transaction was {Outcome}: {Cause}; a library has most likely dropped privateFor (docs/dapps.md)",
            mode == PrivateGuardMode.Refuse ? "refused" : "taken that may have been meant to be private", cause);
    }
}
