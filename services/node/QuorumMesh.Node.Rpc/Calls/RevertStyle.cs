using System.Text;
using QuorumMesh.Evm;
using QuorumMesh.Node.Rpc.Engine;
using QuorumMesh.Primitives;

namespace QuorumMesh.Node.Rpc.Calls;

/// <summary>How a failed execution is told where it is: as an error with the reason.</summary>
internal static class RevertStyle
{
    private static readonly byte[] ErrorSelector = [0x08, 0xc3, 0x79, 0xa0];

    public static RpcException Error(EvmStatus status, byte[] output)
    {
        if (status != EvmStatus.Revert) return new RpcException(Text(status));
        var reason = Reason(output) is { } text ? $"execution reverted: {text}" : "execution reverted";
        return new RpcException(RpcErrorCode.Reverted, reason, Hex.ToHex(output));
    }

    /// <summary>The text of Solidity's <c>Error(string)</c>; null when the data is something else.</summary>
    public static string? Reason(ReadOnlySpan<byte> output)
    {
        const int Head = 4 + 64;
        if (output.Length < Head || !output.StartsWith(ErrorSelector)) return null;
        var offset = UInt256.FromBigEndian(output.Slice(4, 32));
        var length = UInt256.FromBigEndian(output.Slice(36, 32));
        if (offset != 32u || length > (UInt256)(ulong)(output.Length - Head)) return null;
        return Encoding.UTF8.GetString(output.Slice(Head, (int)(ulong)length));
    }

    public static string Text(EvmStatus status) => status switch
    {
        EvmStatus.Revert => "execution reverted",
        EvmStatus.OutOfGas or EvmStatus.CodeStoreOutOfGas => "out of gas",
        EvmStatus.StackUnderflow => "stack underflow",
        EvmStatus.StackOverflow => "stack limit reached 1024",
        EvmStatus.InvalidJump => "invalid jump destination",
        EvmStatus.InvalidOpcode => "invalid opcode",
        EvmStatus.WriteProtection => "write protection",
        EvmStatus.QuorumReadOnly => "VM in read-only mode. Mutating opcode prohibited",
        EvmStatus.DepthExceeded => "max call depth exceeded",
        EvmStatus.InsufficientBalance => "insufficient balance for transfer",
        EvmStatus.CodeSizeExceeded => "max code size exceeded",
        EvmStatus.AddressCollision => "contract address collision",
        EvmStatus.NonceOverflow => "nonce uint64 overflow",
        EvmStatus.InvalidCode => "invalid code: must not begin with 0xef",
        EvmStatus.InitCodeTooLarge => "max initcode size exceeded",
        EvmStatus.ReturnDataOutOfBounds => "return data out of bounds",
        EvmStatus.GasOverflow => "gas uint64 overflow",
        _ => "execution failed",
    };
}
