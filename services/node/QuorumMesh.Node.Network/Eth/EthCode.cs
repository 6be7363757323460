namespace QuorumMesh.Node.Network.Eth;

/// <summary>Message codes of the eth protocol, relative to its offset.</summary>
public static class EthCode
{
    /// <summary>First message of both sides: network, genesis and head.</summary>
    public const int Status = 0x00;
    /// <summary>Announces blocks by hash and number; nobody in a Raft network sends it.</summary>
    public const int NewBlockHashes = 0x01;
    /// <summary>Transactions in full.</summary>
    public const int Transactions = 0x02;
    /// <summary>Asks for a run of headers.</summary>
    public const int GetBlockHeaders = 0x03;
    /// <summary>Answers GetBlockHeaders.</summary>
    public const int BlockHeaders = 0x04;
    /// <summary>Asks for bodies by the hashes of their blocks.</summary>
    public const int GetBlockBodies = 0x05;
    /// <summary>Answers GetBlockBodies, in the order asked; what is not there is left out.</summary>
    public const int BlockBodies = 0x06;
    /// <summary>A whole block with its total difficulty.</summary>
    public const int NewBlock = 0x07;
    /// <summary>Announces transactions by hash (eth/65).</summary>
    public const int NewPooledTransactionHashes = 0x08;
    /// <summary>Asks for transactions by hash (eth/65).</summary>
    public const int GetPooledTransactions = 0x09;
    /// <summary>Answers GetPooledTransactions.</summary>
    public const int PooledTransactions = 0x0a;

    private const int GetNodeData = 0x0d;
    private const int Receipts = 0x10;

    /// <summary>Whether the message is a request or a reply, which eth/66 wraps with an id.</summary>
    public static bool HasId(int code) =>
        code is >= GetBlockHeaders and <= BlockBodies or GetPooledTransactions or PooledTransactions or >= GetNodeData and <= Receipts;
}
