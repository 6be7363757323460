using QuorumMesh.Evm;
using QuorumMesh.Primitives;

namespace QuorumMesh.Chain.Execution;

/// <summary>What the gas depends on that a transaction costs before any code runs.</summary>
/// <param name="HasHomestead">False before that fork, and on chains that have later ones without it.</param>
public readonly record struct IntrinsicRules(Fork Fork, bool HasHomestead)
{
    public static implicit operator IntrinsicRules(Fork fork) => new(fork, fork >= Fork.Homestead);
}

/// <summary>Gas that a transaction costs before any code runs.</summary>
public static class IntrinsicGas
{
    /// <summary>Every transaction's (Yellow Paper, appendix G).</summary>
    public const ulong Transaction = 21000;

    /// <summary>EIP-7702, whether the tuple is valid or not.</summary>
    public const ulong PerAuthorization = 25000;

    /// <summary>EIP-7702: given back for an authority whose account is there already.</summary>
    public const ulong AuthorizationRefund = 12500;
    // EIP-2, from Homestead on.
    private const ulong Creation = 32000;
    private const ulong ZeroByte = 4;
    private const ulong NonZeroByteFrontier = 68;
    // EIP-2028.
    private const ulong NonZeroByteIstanbul = 16;
    // EIP-2930.
    private const ulong AccessListAddress = 2400;
    private const ulong AccessListSlot = 1900;
    // EIP-3860.
    private const ulong InitCodeWord = 2;
    // EIP-7623.
    private const ulong FloorPerToken = 10;

    /// <summary>For a private transaction over its 64-byte payload hash.</summary>
    public static ulong Of(Transaction tx, IntrinsicRules rules) =>
        Of(tx.Data, tx.IsCreation, tx.AccessList, rules, tx.AuthorizationList.Count);

    /// <summary>The least gas limit that a transaction may have: intrinsic gas or floor, whichever is more.</summary>
    public static ulong Least(Transaction tx, IntrinsicRules rules) => Math.Max(Of(tx, rules), Floor(tx.Data, rules.Fork));

    /// <summary>Of a transaction without access and authorisation lists.</summary>
    public static ulong Least(ReadOnlySpan<byte> data, bool isCreation, IntrinsicRules rules) =>
        Math.Max(Of(data, isCreation, [], rules), Floor(data, rules.Fork));

    public static ulong Of(ReadOnlySpan<byte> data, bool isCreation, IReadOnlyList<AccessListEntry> accessList, IntrinsicRules rules,
        int authorizations = 0)
    {
        var zeros = (ulong)data.Count((byte)0);
        var nonZeros = (ulong)data.Length - zeros;
        var gas = Transaction + (zeros * ZeroByte) + (nonZeros * (rules.Fork >= Fork.Istanbul ? NonZeroByteIstanbul : NonZeroByteFrontier));
        if (isCreation && rules.HasHomestead)
            gas += Creation;
        if (isCreation && rules.Fork >= Fork.Shanghai)
            gas += InitCodeWord * (((ulong)data.Length + 31) / 32);
        foreach (var entry in accessList)
            gas += AccessListAddress + (AccessListSlot * (ulong)entry.StorageKeys.Count);
        return gas + (PerAuthorization * (ulong)authorizations);
    }

    /// <summary>EIP-7623: the least gas that a transaction uses from Prague on; 0 before.</summary>
    public static ulong Floor(ReadOnlySpan<byte> data, Fork fork)
    {
        if (fork < Fork.Prague)
            return 0;
        var zeros = (ulong)data.Count((byte)0);
        var tokens = zeros + (4 * ((ulong)data.Length - zeros));
        return Transaction + (FloorPerToken * tokens);
    }
}
