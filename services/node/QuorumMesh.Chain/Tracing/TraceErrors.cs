using QuorumMesh.Evm;
using QuorumMesh.Primitives;

namespace QuorumMesh.Chain.Tracing;

/// <summary>How geth words the failures that tracers show: the generation of GoQuorum 2.x (geth 1.8 and 1.9.7) differs from later ones.</summary>
public sealed class TraceErrors(CompatibilityProfile profile)
{
    private readonly bool _classic = profile == CompatibilityProfile.V2_5 || profile == CompatibilityProfile.V2_6;

    /// <summary>Of a step that does not run.</summary>
    public string Of(in EvmStep step) => step.Status switch
    {
        EvmStatus.InvalidOpcode => _classic ? $"invalid opcode 0x{step.Opcode:x}" : $"invalid opcode: opcode 0x{step.Opcode:x} not defined",
        EvmStatus.StackUnderflow => $"stack underflow ({step.Stack.Length} <=> {OpcodeTable.Find(step.Opcode)!.Pops})",
        EvmStatus.StackOverflow => _classic ? $"stack limit reached {step.Stack.Length} ({EvmLimits.StackSize})" : $"stack limit reached {step.Stack.Length} ({EvmLimits.StackSize - 1})",
        _ => Of(step.Status),
    };

    /// <param name="destination">Null when the code does not reach that far.</param>
    public string BadJump(in UInt256 target, byte? destination) =>
        _classic ? $"invalid jump destination ({OpcodeName(destination ?? 0)}) {target}" : "invalid jump destination";

    /// <summary>Of a frame that could not be opened, or failed without one step to blame.</summary>
    public string Of(EvmStatus status) => status switch
    {
        EvmStatus.Revert => "execution reverted",
        EvmStatus.OutOfGas => "out of gas",
        EvmStatus.StackUnderflow => "stack underflow",
        EvmStatus.StackOverflow => "stack limit reached",
        EvmStatus.InvalidJump => "invalid jump destination",
        EvmStatus.InvalidOpcode => "invalid opcode",
        EvmStatus.WriteProtection => Old("write protection"),
        EvmStatus.QuorumReadOnly => "VM in read-only mode. Mutating opcode prohibited",
        EvmStatus.DepthExceeded => "max call depth exceeded",
        EvmStatus.InsufficientBalance => "insufficient balance for transfer",
        EvmStatus.CodeSizeExceeded => Old("max code size exceeded"),
        EvmStatus.AddressCollision => "contract address collision",
        EvmStatus.CodeStoreOutOfGas => "contract creation code storage out of gas",
        EvmStatus.NonceOverflow => "nonce uint64 overflow",
        EvmStatus.InvalidCode => "invalid code: must not begin with 0xef",
        EvmStatus.InitCodeTooLarge => "max initcode size exceeded",
        EvmStatus.ReturnDataOutOfBounds => Old("return data out of bounds"),
        EvmStatus.GasOverflow => "gas uint64 overflow",
        EvmStatus.PrecompileFailure => PrecompileErrors.Of(PrecompileFault.None),
        _ => "execution failed",
    };

    /// <summary>The names that GoQuorum's tracers print: it never took geth's later KECCAK256.</summary>
    public static string OpcodeName(byte opcode) => opcode == (byte)Opcode.KECCAK256 ? "SHA3" : OpcodeTable.Name(opcode);

    private string Old(string text) => _classic ? "evm: " + text : text;
}
