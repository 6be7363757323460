using System.Globalization;
using System.Text;
using QuorumMesh.Evm;
using QuorumMesh.Primitives;

namespace QuorumMesh.Cli.Evm;

/// <summary>One line of JSON a step, as EIP-3155 has it.</summary>
internal sealed class TraceWriter(TextWriter output) : IEvmTracer
{
    private readonly StringBuilder _line = new();

    public void Step(in EvmStep step)
    {
        _line.Clear().Append(CultureInfo.InvariantCulture, $"{{\"pc\":{step.Pc},\"op\":{step.Opcode},\"gas\":\"0x"
            + $"{step.Gas:x}\",\"gasCost\":\"0x{step.Cost:x}\",\"memSize\":{step.MemorySize},\"stack\":[");
        for (int i = 0; i < step.Stack.Length; i++)
        {
            if (i > 0) _line.Append(',');
            _line.Append('"').Append(step.Stack[i].ToHexString()).Append('"');
        }

        _line.Append(CultureInfo.InvariantCulture,
            $"],\"depth\":{step.Depth + 1},\"refund\":{step.Refund},\"opName\":\"{OpcodeTable.Name(step.Opcode)}\"");
        if (step.Status != EvmStatus.Success) _line.Append(CultureInfo.InvariantCulture, $",\"error\":\"{step.Status}\"");
        output.WriteLine(_line.Append('}'));
    }

    public void Enter(int depth, Opcode kind, in Address from, in Address to, ReadOnlySpan<byte> input, ulong gas, in UInt256 value)
    {
    }

    /// <summary>After the last step a summary.</summary>
    public void Exit(int depth, EvmStatus status, ulong gasUsed, ReadOnlySpan<byte> data)
    {
        if (depth > 0) return;
        string error = status == EvmStatus.Success ? "" : $",\"error\":\"{status}\"";
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{{\"output\":\"{Hex.ToHex(data)}\",\"gasUsed\":\"0x"
            + $"{gasUsed:x}\",\"pass\":{(status == EvmStatus.Success ? "true" : "false")}{error}}}"));
    }
}
