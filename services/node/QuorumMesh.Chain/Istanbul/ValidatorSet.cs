using QuorumMesh.Chain.Genesis;
using QuorumMesh.Primitives;

namespace QuorumMesh.Chain.Istanbul;

/// <summary>The validators of one height. Immutable (GoQuorum 2.5 consensus/istanbul/validator/default.go).</summary>
public sealed class ValidatorSet
{
    private readonly Address[] _byBytes;
    private readonly Address[] _byText;

    /// <param name="validators">In any order; repeated ones count once.</param>
    public ValidatorSet(IEnumerable<Address> validators)
    {
        _byBytes = [.. validators.Distinct().Order()];
        // GoQuorum compares the text that Address.String() gives, which is EIP-55's mixed case
        // (2.5:consensus/istanbul/validator/default.go). Sorted by bytes, the nodes would wait for different proposers.
        _byText = [.. _byBytes.OrderBy(static a => a.ToChecksumString(), StringComparer.Ordinal)];
    }

    /// <summary>In the order of their bytes, as headers and RPC list them.</summary>
    public IReadOnlyList<Address> Addresses => _byBytes;

    /// <summary>
    /// In the order that turns are taken in: of their checksummed text under IBFT ('B' comes before 'a'), of their bytes under QBFT
    /// (24:consensus/istanbul/backend/backend.go startIBFT, startQBFT).
    /// </summary>
    public IReadOnlyList<Address> InTurn(EngineKind protocol) => protocol == EngineKind.Qbft ? _byBytes : _byText;

    /// <summary>N.</summary>
    public int Count => _byBytes.Length;

    /// <summary>F = ceil(N/3) - 1.</summary>
    public int FaultTolerance => ((Count + 2) / 3) - 1;

    /// <summary>Whether the address is a validator's.</summary>
    public bool Contains(in Address validator) => Array.BinarySearch(_byBytes, validator) >= 0;

    public ValidatorSet With(Address validator) => new([.. _byBytes, validator]);

    /// <summary>With one less; unchanged when it is not there.</summary>
    public ValidatorSet Without(Address validator) => new(_byBytes.Where(a => a != validator));

    /// <summary>Messages that decide: ceil(2N/3), or 2F+1 before the switch, which is unsafe for 2, 3 and 6 validators.</summary>
    public int Quorum(bool ceil2Nby3) => ceil2Nby3 ? ((2 * Count) + 2) / 3 : (2 * FaultTolerance) + 1;

    /// <summary>Whose turn it is (24:consensus/istanbul/validator/default.go).</summary>
    /// <param name="last">Proposer of the block before; null on the first block.</param>
    /// <param name="sticky">A proposer keeps its turn until a round fails.</param>
    /// <exception cref="InvalidOperationException">There are no validators.</exception>
    public Address Proposer(EngineKind protocol, Address? last, ulong round, bool sticky)
    {
        if (Count == 0) throw new InvalidOperationException("there are no validators");
        var order = InTurn(protocol);
        var offset = 0UL;
        if (last is { } proposer)
            // A proposer that was voted out counts as the first, as in GoQuorum.
            offset = (ulong)Math.Max(0, ((IList<Address>)order).IndexOf(proposer)) + (sticky ? 0UL : 1UL);
        return order[(int)((offset + (round % (ulong)Count)) % (ulong)Count)];
    }
}
