namespace QuorumMesh.Cli.Network;

/// <summary>The loopback ports of participant <paramref name="Index"/> (from 0), all moved by one offset.</summary>
public readonly record struct ParticipantPorts(int Index, int Offset)
{
    public int Devp2p => 21000 + Index + Offset;
    public int Rpc => 22000 + Index + Offset;
    public int Ws => 23000 + Index + Offset;
    public int Raft => 50401 + Index + Offset;
    public int ManagerP2p => 9001 + Index + Offset;
    public int ThirdParty => 9081 + Index + Offset;
    public int Q2t => 9281 + Index + Offset;
    public int NodeHealth => 9481 + 3 * Index + Offset;
    public int ManagerHealth => NodeHealth + 1;
    public int EnclaveHealth => NodeHealth + 2;

    public IEnumerable<int> All =>
        [Devp2p, Rpc, Ws, Raft, ManagerP2p, ThirdParty, Q2t, NodeHealth, ManagerHealth, EnclaveHealth];

    /// <summary>So many participants that no two port ranges meet.</summary>
    public const int MaxParticipants = 26;

    /// <summary>The highest base port, Raft's, must stay below 65,536.</summary>
    public const int MaxOffset = 65535 - 50401 - MaxParticipants;
}
