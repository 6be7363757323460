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
}
