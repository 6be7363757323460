namespace QuorumMesh.Node.Network.Eth;

/// <summary>Message codes of the eth protocol, relative to its offset.</summary>
public static class EthCode
{
    public const int Status = 0x00;
    public const int NewBlockHashes = 0x01;
    public const int Transactions = 0x02;
    public const int GetBlockHeaders = 0x03;
    public const int BlockHeaders = 0x04;
    public const int GetBlockBodies = 0x05;
    public const int BlockBodies = 0x06;
    public const int NewBlock = 0x07;
}
