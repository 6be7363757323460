namespace QuorumMesh.State.KeyValue;

/// <summary>
/// The first byte of every key in a node's store, which says whose it is: one store holds chain, states and the runtime's own
/// records, so that what moves with a head can go in one batch. Whoever keeps something new takes a byte of its own here; a byte
/// that was ever used is never given to another.
/// </summary>
public static class KeySpaces
{
    /// <summary>A state's flat values, diffs and trie nodes, behind its id.</summary>
    public const byte State = (byte)'S';

    /// <summary>Byte code by its hash, shared by all states.</summary>
    public const byte Code = (byte)'C';

    /// <summary>Headers, bodies, receipts, indexes and named values of the chain.</summary>
    public const byte Chain = (byte)'c';

    /// <summary>Transactions acknowledged and not mined yet, by their hash.</summary>
    public const byte Journal = (byte)'J';

    /// <summary>Payloads that came too late, by their hash.</summary>
    public const byte LatePayload = (byte)'L';

    /// <summary>Payloads that blocks were run without, by their hash.</summary>
    public const byte SkippedPayload = (byte)'K';

    /// <summary>Payloads of shared states that blocks were run without, by block and hash.</summary>
    public const byte SkippedShare = (byte)'k';

    /// <summary>Contract extensions, by their management contract's address.</summary>
    public const byte Extension = (byte)'X';

    /// <summary>Contracts whose state is on its way to a new party, by contract and management contract.</summary>
    public const byte MovingContract = (byte)'m';

    /// <summary>Payloads that private transactions in markers name, by the marker's block.</summary>
    public const byte MarkedPayload = (byte)'M';

    /// <summary>How accounts have made contracts, by the account's address.</summary>
    public const byte Creations = (byte)'A';
}
