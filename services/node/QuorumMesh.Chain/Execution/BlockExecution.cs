using QuorumMesh.Primitives;
using QuorumMesh.State;
using QuorumMesh.State.Trie;

namespace QuorumMesh.Chain.Execution;

/// <summary>What a block does to both states.</summary>
public sealed record BlockExecution
{
    private Hash256? _receiptsRoot;

    /// <summary>Against the public state before the block, reward included.</summary>
    public required StateChangeSet PublicChanges { get; init; }

    /// <summary>Null when the private side was not run to its end.</summary>
    public StateChangeSet? PrivateChanges { get; init; }

    /// <summary>One per transaction; the header's root and bloom are over these.</summary>
    public required IReadOnlyList<Receipt> Receipts { get; init; }

    /// <summary>
    /// One entry per transaction, null for public ones; a marker's is that of the private transaction that was run for it. Null like
    /// <see cref="PrivateChanges"/>.
    /// </summary>
    public IReadOnlyList<Receipt?>? PrivateReceipts { get; init; }

    /// <summary>Of public transactions.</summary>
    public required ulong GasUsed { get; init; }

    public required Bloom Bloom { get; init; }

    /// <summary>Payloads that are missing or could not be asked for: why the private side waits.</summary>
    public IReadOnlyList<PayloadHash> MissingPayloads { get; init; } = [];

    /// <summary>
    /// Payloads that the private side was run without, as this participant is not a party to them; empty when it was not run to
    /// its end.
    /// </summary>
    public IReadOnlyList<PayloadHash> SkippedPayloads { get; init; } = [];

    /// <summary>Payloads that were asked for because a contract's state was shared: votes and states, used or skipped.</summary>
    public IReadOnlyList<PayloadHash> SharePayloads { get; init; } = [];

    /// <summary>Shared states that could not be taken.</summary>
    public IReadOnlyList<RefusedShare> RefusedShares { get; init; } = [];

    /// <summary>The payloads of private transactions in markers, which no transaction of the block names; empty like these.</summary>
    public IReadOnlyList<MarkedPayload> MarkedPayloads { get; init; } = [];

    /// <summary>Private transactions that changed nothing at this party; empty like these.</summary>
    public IReadOnlyList<PrivateRefusal> Refusals { get; init; } = [];

    /// <summary>Whether the block has any, run or not; markers count.</summary>
    public bool HasPrivateTransactions { get; init; }

    /// <summary>Over the public receipts, which are the same at parties and strangers.</summary>
    public Hash256 ReceiptsRoot => _receiptsRoot ??= TrieRoot.OfOrderedList(Receipt.EncodeAll(Receipts));
}

/// <summary>The payload of a private transaction in a marker.</summary>
/// <param name="Index">Of the marker in its block.</param>
public readonly record struct MarkedPayload(int Index, PayloadHash Hash);
