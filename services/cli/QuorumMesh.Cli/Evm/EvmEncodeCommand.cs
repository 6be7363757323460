using System.CommandLine;
using System.Text.Json;
using QuorumMesh.Primitives;

namespace QuorumMesh.Cli.Evm;

/// <summary><c>qmesh evm encode "set(uint256)" 42</c>: call data for <c>evm run --input</c> and <c>eth_call</c>.</summary>
internal static class EvmEncodeCommand
{
    public static Command Create()
    {
        var signature = new Argument<string>("signature") { Description = "Function and its types, as \"transfer(address,uint256)\"" };
        var values = new Argument<string[]>("value") { Description = "Its arguments; arrays as JSON", Arity = ArgumentArity.ZeroOrMore };
        var command = new Command("encode", "Encode a contract call by Solidity's ABI");
        command.Arguments.Add(signature);
        command.Arguments.Add(values);
        command.SetAction(result => Run(result.GetValue(signature)!, result.GetValue(values) ?? []));
        return command;
    }

    private static int Run(string signature, string[] values)
    {
        try
        {
            Console.WriteLine(Hex.ToHex(AbiEncoder.EncodeCall(signature, [.. values.Select(Read)])));
            return 0;
        }
        catch (FormatException e)
        {
            throw new CommandException(e.Message);
        }
    }

    /// <summary>Arrays and truth values are JSON; all else is text.</summary>
    private static JsonElement Read(string value)
    {
        if (!value.StartsWith('[') && value is not ("true" or "false")) return JsonSerializer.SerializeToElement(value);
        try
        {
            using JsonDocument document = JsonDocument.Parse(value, new JsonDocumentOptions { MaxDepth = 32 });
            return document.RootElement.Clone();
        }
        catch (JsonException e)
        {
            throw new FormatException($"{value} is not JSON: {e.Message}");
        }
    }
}
