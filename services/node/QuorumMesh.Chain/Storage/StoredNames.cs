namespace QuorumMesh.Chain.Storage;

/// <summary>Names of the single values of a node's store, whoever keeps them: none is taken twice.</summary>
public static class StoredNames
{
    /// <summary>Number and hash of the last block whose public side was executed.</summary>
    public const string PublicHead = "head.public";

    /// <summary>The same for a private state, whose id follows.</summary>
    public const string PrivateHead = "head.private.";

    /// <summary>Where a private state, whose id follows, is on its way back to; empty when it is on none.</summary>
    public const string PrivateRewind = "private.rewind.";

    /// <summary>Index of the last Raft entry that has had its effect.</summary>
    public const string RaftApplied = "raft.applied";

    /// <summary>The genesis file as it was given.</summary>
    public const string Genesis = "genesis";

    /// <summary>
    /// Set where forks after Berlin count in a genesis of our own alone. Earlier builds took them from every genesis and wrote no
    /// such value: the rules of their chains stay what they were.
    /// </summary>
    public const string GenesisReading = "genesis.reading";

    /// <summary>Name of the compatibility profile.</summary>
    public const string Profile = "profile";

    /// <summary>The last block up to which it is kept how accounts have made contracts; absent in stores of earlier builds.</summary>
    public const string CreationsIndexed = "creations.indexed";

    /// <summary>The block in which a majority of members differs from this node; empty when there is none.</summary>
    public const string HeadConflict = "head.conflict";

    /// <summary>Id and sequence of the manager database that the private state rests on.</summary>
    public const string ManagerAccepted = "private.manager";

    /// <summary>The manager database that was met instead, while the private head is stopped for it.</summary>
    public const string ManagerRefused = "private.manager.refused";

    /// <summary>Sequence number and payload hash of the last record that the manager's stream told of.</summary>
    public const string ManagerRow = "private.manager.row";

    /// <summary>What the manager said stands at that number instead, while the private head is stopped for it.</summary>
    public const string ManagerRowRefused = "private.manager.row.refused";

    /// <summary>Where the stream of new payloads is resumed.</summary>
    public const string ManagerWatch = "private.watch";

    /// <summary>Addresses of the members, as a snapshot has them.</summary>
    public const string RaftMembers = "raft.members";

    /// <summary>Voters and learners.</summary>
    public const string RaftConfState = "raft.confstate";

    /// <summary>Set once this node was removed from the cluster.</summary>
    public const string RaftLeft = "raft.left";

    /// <summary>Set before the first message that rests on the Raft log.</summary>
    public const string RaftTookPart = "raft.tookpart";

    /// <summary>This node's Raft id, which stays the same whatever the list of nodes becomes.</summary>
    public const string RaftId = "raft.id";

    /// <summary>Set in a member that joined: it must never make a cluster of its own, even with an empty log.</summary>
    public const string RaftJoined = "raft.joined";

    /// <summary>What operators did when most members were lost for good.</summary>
    public const string RaftRecoveries = "raft.recoveries";

    /// <summary>What this validator has promised to the others at the height that it works on.</summary>
    public const string BftPromise = "bft.promise";
}
