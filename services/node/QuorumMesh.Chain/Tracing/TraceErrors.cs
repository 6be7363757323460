using QuorumMesh.Evm;
using QuorumMesh.Evm.Precompiles;
using QuorumMesh.Primitives;

namespace QuorumMesh.Chain.Tracing;

/// <summary>
/// How geth words the failures that tracers show, and names instructions: the generations of GoQuorum 2.x (geth 1.8 and 1.9.7)
/// differ from later ones.
/// </summary>
/// <param name="fork">That runs; an instruction that no GoQuorum of the profile has is named only where it can run.</param>
public sealed class TraceErrors(CompatibilityProfile profile, Fork fork)
{
    private readonly bool _first = profile == CompatibilityProfile.V2_5;
    private readonly bool _classic = profile == CompatibilityProfile.V2_5 || profile == CompatibilityProfile.V2_6;
    private readonly bool _hasSubroutines = profile == CompatibilityProfile.V21;
    private readonly Fork _named = Later(fork,
        profile.KnowsBerlin ? Fork.Berlin : profile.KnowsPetersburgAndIstanbul ? Fork.Istanbul : Fork.Constantinople);

    /// <summary>Of a step that does not run.</summary>
    public string Of(in EvmStep step) => step.Status switch
    {
        EvmStatus.InvalidOpcode => _classic ? $"invalid opcode 0x{step.Opcode:x}" : $"invalid opcode: {OpcodeName(step.Opcode)}",
        EvmStatus.StackUnderflow => $"stack underflow ({step.Stack.Length} <=> {OpcodeTable.Find(step.Opcode)!.Pops})",
        EvmStatus.StackOverflow => $"stack limit reached {step.Stack.Length} ({(_first ? EvmLimits.StackSize : EvmLimits.StackSize - 1)})",
        _ => Of(step.Status),
    };

    /// <param name="destination">Null when the code does not reach that far.</param>
    public string BadJump(in UInt256 target, byte? destination) =>
        _first ? $"invalid jump destination ({OpcodeName(destination ?? 0)}) {target}" : Of(EvmStatus.InvalidJump);

    /// <summary>Of a frame that could not be opened, or failed without one step to blame.</summary>
    public string Of(EvmStatus status) => status switch
    {
        EvmStatus.Revert => "execution reverted",
        EvmStatus.OutOfGas => "out of gas",
        EvmStatus.StackUnderflow => "stack underflow",
        EvmStatus.StackOverflow => "stack limit reached",
        EvmStatus.InvalidJump => Old("invalid jump destination"),
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

    /// <summary>
    /// As core/vm/opcodes.go has it: GoQuorum never took geth's later KECCAK256, and has no name for the designated INVALID.
    /// </summary>
    public string OpcodeName(byte opcode) => opcode switch
    {
        (byte)Opcode.KECCAK256 => "SHA3",
        _ when OpcodeTable.IsDefined(opcode, _named) => OpcodeTable.Name(opcode),
        // Names that geth's assembler uses for itself.
        0xb0 => "PUSH",
        0xb1 => "DUP",
        0xb2 => "SWAP",
        // EIP-2315, which geth named for some versions and no network had.
        0x5c when _hasSubroutines => "BEGINSUB",
        0x5d when _hasSubroutines => "RETURNSUB",
        0x5e when _hasSubroutines => "JUMPSUB",
        _ => _classic ? $"Missing opcode 0x{opcode:x}" : $"opcode 0x{opcode:x} not defined",
    };

    private static Fork Later(Fork a, Fork b) => a > b ? a : b;

    private string Old(string text) => _classic ? "evm: " + text : text;
}
