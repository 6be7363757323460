using QuorumMesh.Chain.Istanbul;
using QuorumMesh.Consensus.Bft;
using QuorumMesh.Node.Runtime.Health;
using QuorumMesh.Primitives;

namespace QuorumMesh.Node.Runtime.Bft;

/// <summary>Where a node of an IBFT or QBFT chain stands; a copy for each change.</summary>
/// <param name="Own">Account of the node's key.</param>
public sealed record BftStanding(Address Own)
{
    /// <summary>Null before the start.</summary>
    public BftSettings? Settings { get; init; }

    /// <summary>Validators of the block before that one, as far as this node knows: their last messages may still be under way.</summary>
    public ValidatorSet? Before { get; init; }

    /// <summary>Of the block that is being decided.</summary>
    public ulong Round { get; init; }

    /// <summary>Whom this node votes in (true) or out (false) when it proposes.</summary>
    public IReadOnlyDictionary<Address, bool> Candidates { get; init; } = new Dictionary<Address, bool>();

    /// <summary>Accounts of the nodes that are connected.</summary>
    public IReadOnlySet<Address> Connected { get; init; } = new HashSet<Address>();

    /// <summary>Why this node gives no votes although it is a validator; null when it does.</summary>
    public string? Silence { get; init; }

    /// <summary>Number of the block that is being decided; 0 before the start.</summary>
    public ulong Height => Settings?.Number ?? 0;

    /// <summary>Whether this node is one of the validators of that block.</summary>
    public bool IsValidator => Settings?.Validators.Contains(Own) == true;

    /// <summary>Whether what it signs has a meaning at the present height, or had one at the height before.</summary>
    internal bool Heeds(in Address signer) => Settings?.Validators.Contains(signer) == true || Before?.Contains(signer) == true;

    /// <summary>Validators of that block that this node could hear, itself counted.</summary>
    public int Reachable => Settings?.Validators.Addresses.Count(v => v == Own || Connected.Contains(v)) ?? 0;

    /// <summary>The validators, who judge about this node's blocks; nobody before the start.</summary>
    internal Electorate Electorate { get; init; } = Electorate.Majority(new HashSet<string>());

    /// <summary>Of a validator set.</summary>
    internal static Electorate Of(ValidatorSet validators) => Electorate.Validators(
        validators.Addresses.Select(static a => a.ToString()).ToHashSet(), validators.FaultTolerance, AccountOf);

    private static string AccountOf(string nodeId) => Secp256k1.AddressOf(Convert.FromHexString(nodeId)).ToString();
}

/// <summary>Why there is no block, for people.</summary>
/// <param name="Explanation">Of the machine; null before the start.</param>
/// <param name="Slow">The last proposal of this height that could not be executed within its round; null for none.</param>
/// <param name="Flush">That a flush of the transaction journal takes long; null when none does.</param>
public sealed record BftReport(BftStanding Standing, BftExplanation? Explanation, string? Slow = null, string? Flush = null)
{
    /// <summary>Transactions that this node's blocks are made without for a while, the next to be tried first.</summary>
    public IReadOnlyList<HeldTransaction> Held { get; init; } = [];
}
