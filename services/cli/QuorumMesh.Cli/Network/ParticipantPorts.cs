namespace QuorumMesh.Cli.Network;

/// <summary>
/// The loopback ports of participant <paramref name="Index"/> (from 0): the well-known ones moved by one offset, or, for networks
/// that live for a moment, ten in a row from <paramref name="DenseFrom"/>.
/// </summary>
public readonly record struct ParticipantPorts(int Index, int Offset, int? DenseFrom = null)
{
    private const int PortsEach = 10;

    public int Devp2p => Port(0, 21000 + Index);
    public int Rpc => Port(1, 22000 + Index);
    public int Ws => Port(2, 23000 + Index);
    public int Raft => Port(3, 24001 + Index);
    public int ManagerP2p => Port(4, 9001 + Index);
    public int ThirdParty => Port(5, 9081 + Index);
    public int Q2t => Port(6, 9281 + Index);
    public int NodeHealth => Port(7, 9481 + 3 * Index);
    public int ManagerHealth => Port(8, 9481 + 3 * Index + 1);
    public int EnclaveHealth => Port(9, 9481 + 3 * Index + 2);

    public IEnumerable<int> All =>
        [Devp2p, Rpc, Ws, Raft, ManagerP2p, ThirdParty, Q2t, NodeHealth, ManagerHealth, EnclaveHealth];

    /// <summary>So many participants that no two port ranges meet.</summary>
    public const int MaxParticipants = 26;

    /// <summary>The highest base port, Raft's, must stay below 65,536.</summary>
    public const int MaxOffset = 65535 - 24001 - MaxParticipants;

    /// <summary>
    /// From here on Linux gives ports to outgoing connections (net.ipv4.ip_local_port_range): a service may find its port taken
    /// by one.
    /// </summary>
    public const int FirstLocalPort = 32_768;

    /// <summary>The highest offset with which every port of so many participants stays below <see cref="FirstLocalPort"/>.</summary>
    public static int SafeOffset(int participants) => FirstLocalPort - 24001 - participants;

    /// <summary>
    /// A start for dense ports at which all are free just now. All lie below the range from which Linux gives ports to outgoing
    /// connections (32768 on), so that no connection takes the port of a service that is about to start again.
    /// </summary>
    public static int FindDense(int participants, Func<int, bool> isFree)
    {
        const int lowest = 10_000;
        for (var attempt = 0; attempt < 200; attempt++)
        {
            var start = Random.Shared.Next(lowest, FirstLocalPort - PortsEach * MaxParticipants);
            if (Enumerable.Range(start, PortsEach * participants).All(isFree)) return start;
        }
        throw new CommandException("no free range of ports was found: end some programs that listen on loopback and try again");
    }

    private int Port(int slot, int known) => DenseFrom is { } start ? start + PortsEach * Index + slot : known + Offset;
}
