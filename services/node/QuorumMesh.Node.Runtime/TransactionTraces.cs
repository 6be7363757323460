using System.Diagnostics;
using QuorumMesh.Chain;
using QuorumMesh.Primitives;

namespace QuorumMesh.Node.Runtime;

/// <summary>
/// Spans of a transaction's way over several nodes. devp2p carries no trace context, so every span links to one that follows from
/// the transaction's hash: its trace id is the first 16 bytes, its span id the next 8. Hash and block are the only attributes.
/// </summary>
public static class TransactionTraces
{
    public const string SourceName = "QuorumMesh.Node";

    private const int MaxPerBlock = 100;
    private static readonly ActivitySource Source = new(SourceName);

    /// <summary>Whether anybody listens.</summary>
    public static bool IsOn => Source.HasListeners();

    /// <summary>A submission at this node; a child of the request that is being served. Null when nobody listens.</summary>
    public static Activity? Submitted(in Hash256 hash) => Start("transaction.submit", hash, ActivityKind.Producer);

    /// <summary>The same for some that were submitted together, once they are answered.</summary>
    public static void Submitted(IReadOnlyList<Transaction> transactions, DateTimeOffset started)
    {
        if (!IsOn) return;
        foreach (var transaction in transactions.Take(MaxPerBlock))
            Start("transaction.submit", transaction.Hash, ActivityKind.Producer, started)?.Dispose();
    }

    /// <summary>The block's transactions are in this node's chain.</summary>
    public static void Mined(Block block)
    {
        if (!IsOn) return;
        foreach (var transaction in block.Transactions.Take(MaxPerBlock))
            using (var span = Start("transaction.mined", transaction.Hash, ActivityKind.Consumer))
                span?.SetTag("quorummesh.block.number", block.Number);
    }

    /// <summary>The manager is asked for payloads; its own spans and its enclave's are below. Null when nobody listens.</summary>
    public static Activity? PayloadFetch(int count)
    {
        var span = IsOn ? Source.StartActivity("payload.fetch", ActivityKind.Client, parentContext: default) : null;
        return span?.SetTag("quorummesh.payload.count", count);
    }

    /// <summary>
    /// The private transactions of a block were run, and the private head is there now. Blocks without any are passed over.
    /// </summary>
    /// <param name="started">When the step of the loop began that ran the last of them.</param>
    public static void PrivateRun(Block block, DateTimeOffset started)
    {
        if (!IsOn) return;
        var links = block.Transactions.Where(t => t.IsPrivate).Take(MaxPerBlock).Select(t => new ActivityLink(ContextOf(t.Hash))).ToList();
        if (links.Count == 0) return;
        using var span = Source.StartActivity("private.execute", ActivityKind.Internal, parentContext: default, links: links,
            startTime: started);
        span?.SetTag("quorummesh.block.number", block.Number);
    }

    /// <summary>The context that all spans of a transaction link to, wherever they are made.</summary>
    public static ActivityContext ContextOf(in Hash256 hash)
    {
        Span<byte> bytes = stackalloc byte[Hash256.Size];
        hash.CopyTo(bytes);
        return new ActivityContext(ActivityTraceId.CreateFromBytes(bytes[..16]), ActivitySpanId.CreateFromBytes(bytes.Slice(16, 8)),
            ActivityTraceFlags.Recorded, isRemote: true);
    }

    private static Activity? Start(string name, in Hash256 hash, ActivityKind kind, DateTimeOffset started = default)
    {
        if (!IsOn) return null;
        var span = Source.StartActivity(kind, links: [new ActivityLink(ContextOf(hash))], startTime: started, name: name);
        span?.SetTag("quorummesh.transaction.hash", hash.ToString());
        return span;
    }
}
