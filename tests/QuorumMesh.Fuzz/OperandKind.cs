using QuorumMesh.Evm;

namespace QuorumMesh.Fuzz;

/// <summary>What an instruction makes of an operand.</summary>
internal enum OperandKind
{
    Word,
    Offset,
    Length,
    Source,
    Slot,
    Account,
    Gas,
    Value,
    Byte,
    Shift,
    Block,
}

internal static class OperandKinds
{
    private static readonly OperandKind[] _words = [.. Enumerable.Repeat(OperandKind.Word, 17)];

    /// <summary>From the top of the stack down.</summary>
    public static OperandKind[] Of(Opcode opcode) => opcode switch
    {
        Opcode.KECCAK256 or Opcode.RETURN or Opcode.REVERT => [OperandKind.Offset, OperandKind.Length],
        Opcode.BALANCE or Opcode.EXTCODESIZE or Opcode.EXTCODEHASH or Opcode.SELFDESTRUCT => [OperandKind.Account],
        Opcode.CALLDATALOAD => [OperandKind.Source],
        Opcode.CALLDATACOPY or Opcode.CODECOPY or Opcode.RETURNDATACOPY => [OperandKind.Offset, OperandKind.Source, OperandKind.Length],
        Opcode.EXTCODECOPY => [OperandKind.Account, OperandKind.Offset, OperandKind.Source, OperandKind.Length],
        Opcode.BLOCKHASH => [OperandKind.Block],
        Opcode.BLOBHASH => [OperandKind.Byte],
        Opcode.MLOAD => [OperandKind.Offset],
        Opcode.MSTORE or Opcode.MSTORE8 => [OperandKind.Offset, OperandKind.Word],
        Opcode.SLOAD or Opcode.TLOAD => [OperandKind.Slot],
        Opcode.SSTORE or Opcode.TSTORE => [OperandKind.Slot, OperandKind.Word],
        Opcode.MCOPY => [OperandKind.Offset, OperandKind.Offset, OperandKind.Length],
        >= Opcode.LOG0 and <= Opcode.LOG4 =>
        [OperandKind.Offset, OperandKind.Length, OperandKind.Word, OperandKind.Word, OperandKind.Word, OperandKind.Word],
        Opcode.CREATE or Opcode.CREATE2 => [OperandKind.Value, OperandKind.Offset, OperandKind.Length, OperandKind.Byte],
        Opcode.CALL or Opcode.CALLCODE =>
            [OperandKind.Gas, OperandKind.Account, OperandKind.Value, OperandKind.Offset, OperandKind.Length, OperandKind.Offset,
                OperandKind.Length],
        Opcode.DELEGATECALL or Opcode.STATICCALL =>
            [OperandKind.Gas, OperandKind.Account, OperandKind.Offset, OperandKind.Length, OperandKind.Offset, OperandKind.Length],
        Opcode.SIGNEXTEND or Opcode.BYTE => [OperandKind.Byte, OperandKind.Word],
        Opcode.SHL or Opcode.SHR or Opcode.SAR => [OperandKind.Shift, OperandKind.Word],
        Opcode.EXP => [OperandKind.Word, OperandKind.Shift],
        _ => _words,
    };
}
