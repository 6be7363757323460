using QuorumMesh.Evm;
using QuorumMesh.Evm.Precompiles;
using QuorumMesh.Primitives;

namespace QuorumMesh.Chain.Tracing;

/// <summary>
/// How geth words the failures that tracers show, and names instructions: the generations of GoQuorum 2.x (geth 1.8 and 1.9.7)
/// differ from later ones.
/// </summary>
/// <param name="fork">That runs; an instruction that no GoQuorum of the profile has is named only where it can run.</param>
public sealed class TraceErrors(TraceRules rules, Fork fork)
{
    private readonly Fork _named = Later(fork, rules.NamedFork);

    /// <summary>Of a step that does not run.</summary>
    public string Of(in EvmStep step) => step.Status switch
    {
        EvmStatus.InvalidOpcode => rules.HasClassicErrors ? $"invalid opcode 0x{step.Opcode:x}"
            : $"invalid opcode: {OpcodeName(step.Opcode)}",
        EvmStatus.StackUnderflow => $"stack underflow ({step.Stack.Length} <=> {OpcodeTable.Find(step.Opcode)!.Pops})",
        EvmStatus.StackOverflow => $"stack limit reached {step.Stack.Length} ({rules.ShownStackLimit})",
        _ => Of(step.Status),
    };

    /// <param name="destination">Null when the code does not reach that far.</param>
    public string BadJump(in UInt256 target, byte? destination) =>
        rules.NamesDestinations ? $"invalid jump destination ({OpcodeName(destination ?? 0)}) {target}" : Of(EvmStatus.InvalidJump);

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
        0x5c when rules.NamesSubroutines => "BEGINSUB",
        0x5d when rules.NamesSubroutines => "RETURNSUB",
        0x5e when rules.NamesSubroutines => "JUMPSUB",
        _ => rules.HasClassicErrors ? $"Missing opcode 0x{opcode:x}" : $"opcode 0x{opcode:x} not defined",
    };

    private static Fork Later(Fork a, Fork b) => a > b ? a : b;

    private string Old(string text) => rules.HasClassicErrors ? "evm: " + text : text;
}
