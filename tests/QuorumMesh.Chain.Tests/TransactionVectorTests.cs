using System.Text.Json;
using QuorumMesh.Chain.Execution;
using QuorumMesh.Evm;
using QuorumMesh.Primitives;
using QuorumMesh.Tests;

namespace QuorumMesh.Chain.Tests;

/// <summary>The public TransactionTests: decoding, signature and intrinsic gas under every fork they name.</summary>
public sealed class TransactionVectorTests
{
    private static readonly Dictionary<string, Fork> Forks = new()
    {
        ["Frontier"] = Fork.Frontier,
        ["Homestead"] = Fork.Homestead,
        ["EIP150"] = Fork.TangerineWhistle,
        ["EIP158"] = Fork.SpuriousDragon,
        ["Byzantium"] = Fork.Byzantium,
        ["Constantinople"] = Fork.Constantinople,
        ["ConstantinopleFix"] = Fork.Petersburg,
        ["Istanbul"] = Fork.Istanbul,
        ["Berlin"] = Fork.Berlin,
        ["London"] = Fork.London,
        ["Paris"] = Fork.Paris,
        ["Shanghai"] = Fork.Shanghai,
        ["Cancun"] = Fork.Cancun,
    };

    [VectorFact]
    public void AllTransactionTestsPass()
    {
        var failures = new List<string>();
        var checks = 0;
        foreach (var file in Directory.GetFiles(Vectors.Path("ethereum-tests/TransactionTests"), "*.json", SearchOption.AllDirectories))
        {
            using var document = JsonDocument.Parse(File.ReadAllBytes(file));
            foreach (var test in document.RootElement.EnumerateObject())
            {
                foreach (var result in test.Value.GetProperty("result").EnumerateObject())
                {
                    checks++;
                    if (Check(test.Value.GetProperty("txbytes").GetString()!, Forks[result.Name], result.Value) is { } failure)
                        failures.Add($"{test.Name} {result.Name}: {failure}");
                }
            }
        }
        Assert.True(checks > 2000, $"only {checks} checks found");
        Assert.True(failures.Count == 0, $"{failures.Count} of {checks} failed:\n{string.Join('\n', failures.Take(30))}");
    }

    private static string? Check(string txBytes, Fork fork, JsonElement expected)
    {
        var valid = !expected.TryGetProperty("exception", out var exception);
        Transaction tx;
        try
        {
            tx = Transaction.Decode(Hex.FromHex(txBytes));
        }
        catch (FormatException e)
        {
            return valid ? $"refused: {e.Message}" : null;
        }
        var recovered = TransactionSigner.TryRecover(tx, SenderRules.For(UInt256.One, fork, privateTransactions: false), out var sender);
        var reason = recovered ? TransactionChecks.Stateless(tx, fork) : "invalid sender";
        if (!valid)
            return reason is null ? $"accepted, expected {exception}" : null;
        if (reason is not null)
            return reason;
        if (tx.Hash != Hash256.Parse(expected.GetProperty("hash").GetString()!))
            return $"hash {tx.Hash}";
        if (sender != Address.Parse(expected.GetProperty("sender").GetString()!))
            return $"sender {sender}";
        var intrinsic = Convert.ToUInt64(expected.GetProperty("intrinsicGas").GetString(), 16);
        return IntrinsicGas.Of(tx, fork) == intrinsic ? null : $"intrinsic gas {IntrinsicGas.Of(tx, fork)}, expected {intrinsic}";
    }
}
