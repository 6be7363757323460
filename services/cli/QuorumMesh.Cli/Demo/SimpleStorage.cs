using System.Numerics;
using Nethereum.ABI;
using Nethereum.ABI.FunctionEncoding;
using Nethereum.ABI.Model;

namespace QuorumMesh.Cli.Demo;

/// <summary>
/// The contract of the test cases: one public number, set by the constructor and by <c>set(uint256)</c>.
/// The code was made with solc 0.8.37 for Byzantium, optimised, from the source in docs/demo/SimpleStorage.sol.
/// </summary>
public static class SimpleStorage
{
    private const string InitCode =
        "0x"
        + "6080604052348015600f57600080fd5b50604051610101380380610101833981016040819052602c916033565b600055604b565b600060208284031215604457"
        + "600080fd5b5051919050565b60a8806100596000396000f3fe6080604052348015600f57600080fd5b50600436106058577c0100000000000000000000000000"
        + "00000000000000000000000000000060003504632a1afcd98114605d57806360fe47b11460775780636d4ce63c146089575b600080fd5b606560005481565b60"
        + "405190815260200160405180910390f35b608760823660046090565b600055565b005b6000546065565b60006020828403121560a157600080fd5b5035919050"
        + "56";

    public const string Abi = """
        [{"inputs":[{"name":"initial","type":"uint256"}],"stateMutability":"nonpayable","type":"constructor"},
         {"inputs":[],"name":"get","outputs":[{"name":"","type":"uint256"}],"stateMutability":"view","type":"function"},
         {"inputs":[{"name":"x","type":"uint256"}],"name":"set","outputs":[],"stateMutability":"nonpayable","type":"function"},
         {"inputs":[],"name":"storedData","outputs":[{"name":"","type":"uint256"}],"stateMutability":"view","type":"function"}]
        """;

    /// <summary>Selector of the getter <c>storedData()</c>.</summary>
    public const string Get = "0x2a1afcd9";

    private const string SetSelector = "60fe47b1";
    private static readonly Parameter[] Number = [new("uint256")];

    public static string Code => InitCode;

    public static string Create(ulong initial) => new ConstructorCallEncoder().EncodeRequest(InitCode, Number, new BigInteger(initial));

    public static string Set(ulong value) => new FunctionCallEncoder().EncodeRequest(SetSelector, Number, new BigInteger(value));
}
