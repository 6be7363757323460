using QuorumMesh.Primitives;

namespace QuorumMesh.Fuzz;

/// <summary>The accounts of every generated world.</summary>
internal static class FuzzAddresses
{
    public static readonly Address Caller = Make(0xca11);
    public static readonly Address Program = Make(0xc0de);
    public static readonly Address Coinbase = Make(0xc01);
    public static readonly Address Absent = Make(0xab5e);

    /// <summary>There, but empty in the sense of EIP-161.</summary>
    public static readonly Address Empty = Make(0xe0e0);

    /// <summary>From Prague on an account that delegates to the program.</summary>
    public static readonly Address Delegating = Make(0xde1e);

    /// <summary>They hand their input to the program by STATICCALL, DELEGATECALL and CALLCODE, and its answer back.</summary>
    public static readonly Address[] Wrappers = [Make(0x3a01), Make(0x3a02), Make(0x3a03)];

    public static readonly Address[] Helpers = [Make(0xbe01), Make(0xbe02), Make(0xbe03)];

    public static readonly Address[] Targets = [Program, .. Helpers, Helpers[0], Helpers[1], Helpers[2], Program, Caller, Absent, Empty,
        Delegating, Coinbase];

    // The machine must not take these for precompiles.
    private static Address Make(ulong low) => Address.FromWord(new UInt256(low, 0x51ed, 0x7e57));
}
