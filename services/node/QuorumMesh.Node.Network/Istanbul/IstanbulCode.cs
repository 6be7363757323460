namespace QuorumMesh.Node.Network.Istanbul;

/// <summary>
/// Message codes of consensus, relative to the offset of the <c>istanbul</c> protocol (24:consensus/istanbul/backend/handler.go).
/// </summary>
internal static class IstanbulCode
{
    /// <summary>Every message of IBFT 1.0. Below it lie the eth messages, of versions 64 and 99.</summary>
    public const int Ibft = 0x11;

    /// <summary>The last one of QBFT (ROUND-CHANGE).</summary>
    public const int QbftLast = 0x15;
}
