using QuorumMesh.Primitives;

namespace QuorumMesh.Evm;

/// <summary>EIP-7702's code of an account that runs another account's code: 0xef0100 ‖ address.</summary>
public static class Delegation
{
    /// <summary>Bytes of a delegation: 0xef0100 and an address (EIP-7702).</summary>
    public const int Size = 3 + Address.Size;

    // No contract can pass for a delegation: deployed code does not begin with 0xef (EIP-3541).
    private static ReadOnlySpan<byte> Prefix => [0xef, 0x01, 0x00];

    /// <summary>The code of an account that delegates.</summary>
    public static byte[] Encode(in Address target) => [.. Prefix, .. target.Bytes];

    /// <summary>False for any other code.</summary>
    public static bool TryParse(ReadOnlySpan<byte> code, out Address target)
    {
        bool isDelegation = code.Length == Size && code.StartsWith(Prefix);
        target = isDelegation ? new Address(code[Prefix.Length..]) : default;
        return isDelegation;
    }
}
