using System.Security.Cryptography;
using QuorumMesh.Chain;
using QuorumMesh.Chain.Storage;
using QuorumMesh.Consensus.Raft;
using QuorumMesh.Node.Runtime;
using QuorumMesh.Node.Runtime.Ports;
using QuorumMesh.Node.Runtime.Raft;
using QuorumMesh.Primitives;
using QuorumMesh.ServiceDefaults;
using QuorumMesh.State;
using QuorumMesh.State.KeyValue;

namespace QuorumMesh.Node;

/// <summary>
/// The three ways a Raft member starts: first member of a new cluster, joining an existing one, or again (GoQuorum
/// raft/handler.go).
/// </summary>
internal sealed class RaftStart
{
    /// <summary>Ticks of 50 ms: an election after 300 to 600 ms without a leader.</summary>
    private const int ElectionTicks = 6;

    private RaftStart(ushort raftId, RaftCore core, IRaftLog log, IReadOnlyList<Enode> bootstrap) =>
        (Setup, Bootstrap) = (new RaftSetup { Id = raftId, Core = core, Log = log }, bootstrap);

    public RaftSetup Setup { get; }

    public ushort RaftId => Setup.Id;

    /// <summary>The members of static-nodes.json, in order: p2p peers from the start.</summary>
    public IReadOnlyList<Enode> Bootstrap { get; }

    public static RaftStart Open(DataDirectory data, NodeSettings settings, string nodeId, IKeyValueStore store, IRaftLog log)
    {
        if (RaftRecoveryRecord.Unfinished(store) is { } begun)
            throw new StartupException("a recovery of the Raft cluster was begun on this node and has not ended: run it again, with "
                + $"members {string.Join(", ", begun.Kept)} (qmesh raft recover)");
        if (IdOf(store) is { } id)
        {
            if (RaftParticipation.Lost(store, log) is { } lost) throw new StartupException(Rejoin(data, id, lost));
            var config = Config(id) with
            {
                Applied = ChainStore.GetAppliedRaftIndex(store),
                ConfState = RaftMembers.LoadConfState(store, log)
            };
            var joined = settings.RaftJoinExisting is not null || ChainStore.GetMeta(store, StoredNames.RaftJoined) is not null;
            return new RaftStart(id,
                Start(log, config, Members(data, required: RaftParticipation.IsFresh(log) && !joined, nodeId), joined, data), log,
                StaticNodes.Read(data, StaticNodes.FileName));
        }
        if (log.LastIndex > 0)
            throw new StartupException($"{data.RaftLog} belongs to another chain directory: the chain in {data.ChainData} has never taken "
                + "part in Raft; restore both together, or remove both");
        if (settings.RaftJoinExisting is { } joining)
        {
            StaticNodes.RequireMembersToJoin(data, nodeId);
            Save(store, (ushort)joining, joined: true);
            return new RaftStart((ushort)joining, new RaftCore(Config((ushort)joining), log, RandomNumberGenerator.GetInt32), log,
                StaticNodes.Read(data, StaticNodes.FileName));
        }
        var members = StaticNodes.ReadRaftMembers(data, nodeId);
        var position = members.Select((m, i) => (m, i)).First(p => p.m.NodeId == nodeId).i;
        Save(store, (ushort)(position + 1), joined: false);
        return new RaftStart((ushort)(position + 1), Bootstrapped(log, Config((ushort)(position + 1)), members), log, members);
    }

    /// <summary>The Raft id in a store; null in one that has never taken part.</summary>
    public static ushort? IdOf(IKeyValueReader store) => ChainStore.GetMeta(store, StoredNames.RaftId) is { Length: 2 } stored
        ? System.Buffers.Binary.BinaryPrimitives.ReadUInt16BigEndian(stored.Span) : null;

    /// <summary>Until its log tells, a joining member knows the others' Raft ids only by their place in static-nodes.json, and
    /// one that is behind those of members added since.</summary>
    /// <param name="members">Those of the log, whatever place they have in the file.</param>
    public void Connect(IRaftTransport transport, IReadOnlyList<RaftAddress> members)
    {
        var known = members.Select(m => Convert.ToHexStringLower(m.NodeId)).ToHashSet();
        for (var i = 0; i < Bootstrap.Count; i++)
            if (i + 1 != RaftId && Bootstrap[i].RaftPort != 0 && !known.Contains(Bootstrap[i].NodeId))
                transport.Introduce(Address(Bootstrap[i], i + 1));
    }

    private static RaftConfig Config(ushort id) => new() { Id = id, ElectionTicks = ElectionTicks, PreVote = true };

    /// <summary>
    /// A crash between the id and the first log write leaves an empty log, and nothing promised: the bootstrap is done again.
    /// </summary>
    private static RaftCore Start(IRaftLog log, RaftConfig config, IReadOnlyList<Enode> members, bool joined, DataDirectory data)
    {
        if (RaftParticipation.IsFresh(log) && !joined) return Bootstrapped(log, config with { Applied = 0, ConfState = null }, members);
        try
        {
            return new RaftCore(config, log, RandomNumberGenerator.GetInt32);
        }
        catch (RaftInvariantException e)
        {
            throw new StartupException(Rejoin(data, config.Id, $"is damaged ({e.Message})"));
        }
    }

    private static string Rejoin(DataDirectory data, ulong id, string lost) =>
        $"the Raft log in {data.RaftLog} {lost}: what this member promised to the others is lost, and starting without it could fork the "
            + "chain. "
        + $"Either restore {data.RaftLog} and {data.ChainData} together, as they were when this node last stopped; or rejoin under a new "
            + "id: remove this member on another one "
        + $"(raft_removePeer {id}), add it again (raft_addPeer, which answers the new id), and start it from an empty data directory, "
            + "with the same node key, genesis and static-nodes.json, with --raftjoinexisting and the new id";

    private static IReadOnlyList<Enode> Members(DataDirectory data, bool required, string nodeId) =>
        required ? StaticNodes.ReadRaftMembers(data, nodeId) : StaticNodes.Read(data, StaticNodes.FileName);

    private static RaftCore Bootstrapped(IRaftLog log, RaftConfig config, IReadOnlyList<Enode> members) =>
        RaftCore.Bootstrap(config, log, RandomNumberGenerator.GetInt32,
            [.. members.Select((m, i) => new RaftPeer((ulong)i + 1, Address(m, i + 1).Encode()))]);

    private static RaftAddress Address(Enode enode, int id) => new((ulong)id, enode.PublicKey, enode.Host, enode.Port, enode.RaftPort);

    private static void Save(IKeyValueStore store, ushort id, bool joined)
    {
        var batch = new KeyValueBatch();
        Span<byte> value = stackalloc byte[2];
        System.Buffers.Binary.BinaryPrimitives.WriteUInt16BigEndian(value, id);
        ChainStore.PutMeta(batch, StoredNames.RaftId, value);
        if (joined) ChainStore.PutMeta(batch, StoredNames.RaftJoined, [1]);
        store.Write(batch, sync: true);
    }
}
