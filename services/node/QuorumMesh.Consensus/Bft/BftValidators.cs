using QuorumMesh.Primitives;

namespace QuorumMesh.Consensus.Bft;

/// <summary>Who votes at a height, how many decide, and whose turn it is.</summary>
internal sealed class BftValidators
{
    private readonly Address[] _turns;
    private readonly HashSet<Address> _members;
    private readonly ulong _offset;

    public BftValidators(BftHeight height)
    {
        if (height.Validators.Count == 0) throw new ArgumentException("a height needs at least one validator");
        // GoQuorum's IBFT compares the text that Address.String() gives, which is EIP-55's mixed case; QBFT compares bytes
        // (2.5 and 24:consensus/istanbul/validator/default.go). In another order the nodes would wait for different proposers.
        _turns = height.Protocol == BftProtocol.Ibft
            ? [.. height.Validators.OrderBy(a => a.ToChecksumString(), StringComparer.Ordinal)]
            : [.. height.Validators.Order()];
        _members = [.. _turns];
        if (_members.Count != _turns.Length) throw new ArgumentException("a validator is named twice");
        FaultTolerance = ((Count + 2) / 3) - 1;
        Quorum = height.Ceil2Nby3 ? ((2 * Count) + 2) / 3 : (2 * FaultTolerance) + 1;
        // A proposer that was voted out counts as the first, as in GoQuorum (calcSeed). The first block of a chain has none before it.
        if (height.LastProposer is { } last)
            _offset = (ulong)Math.Max(0, Array.IndexOf(_turns, last)) + (height.Policy == ProposerPolicy.Sticky ? 0UL : 1UL);
    }

    /// <summary>N.</summary>
    public int Count => _turns.Length;

    /// <summary>F = ceil(N/3) - 1: among F + 1 one is honest.</summary>
    public int FaultTolerance { get; }

    /// <summary>Votes that decide.</summary>
    public int Quorum { get; }

    /// <summary>In the order of turns.</summary>
    public IReadOnlyList<Address> Turns => _turns;

    public bool Contains(Address address) => _members.Contains(address);

    public Address Proposer(ulong round) => _turns[(int)((_offset + (round % (ulong)Count)) % (ulong)Count)];
}
