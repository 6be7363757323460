using System.Text.Json;
using QuorumMesh.Chain.Execution;
using QuorumMesh.Evm;
using QuorumMesh.Primitives;
using QuorumMesh.Tests;
using Xunit.Abstractions;

namespace QuorumMesh.Chain.Tests;

/// <summary>
/// The public TransactionTests under every fork they name: hash, sender, intrinsic gas, and the reason of each rejection, as
/// Data/transaction-exceptions.txt says it in our words.
/// </summary>
public sealed class TransactionVectorTests(ITestOutputHelper output)
{
    private const int Files = 210;
    private const int Checks = 2665;
    private const string TypeNotSupported = "transaction type not supported";

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
    public void All_transaction_tests_pass()
    {
        var table = ReadTable();
        var used = new HashSet<(string, string)>();
        var failures = new List<string>();
        var checks = 0;
        var files = Directory.GetFiles(Vectors.Path("ethereum-tests/TransactionTests"), "*.json", SearchOption.AllDirectories);
        foreach (var file in files)
        {
            using var document = JsonDocument.Parse(File.ReadAllBytes(file));
            foreach (var test in document.RootElement.EnumerateObject())
            {
                var bytes = Hex.FromHex(test.Value.GetProperty("txbytes").GetString()!);
                foreach (var result in test.Value.GetProperty("result").EnumerateObject())
                {
                    checks++;
                    if (Check(bytes, Forks[result.Name], result.Value, table, used) is { } failure)
                        failures.Add($"{test.Name} {result.Name}: {failure}");
                }
            }
        }
        output.WriteLine($"{checks} checks of {files.Length} files");
        Assert.True(failures.Count == 0, $"{failures.Count} of {checks} failed:\n{string.Join('\n', failures.Take(30))}");
        Assert.Equal((Files, Checks), (files.Length, checks));
        Assert.Equal(table, used);
    }

    [Theory]
    [InlineData("c0", "nonce: an item is missing")]
    [InlineData("c20180", "gas: an item is missing")]
    [InlineData("c401808200", "gas: the item is longer than the data around it")]
    [InlineData("ca01808080808080808080", "1 bytes too many")]
    [InlineData("01c3010100", "gasPrice: a number has leading zeros")]
    [InlineData("02c30101c0", "maxPriorityFeePerGas: expected a string, got a list")]
    [InlineData("04c60a8080808080", "to: expected 20 bytes, got 0")]
    public void An_error_names_the_field(string encoded, string reason) =>
        Assert.Equal(reason, Assert.Throws<RlpException>(() => Transaction.Decode(Hex.FromHex(encoded))).Reason);

    private static string? Check(byte[] bytes, Fork fork, JsonElement expected, HashSet<(string, string)> table,
        HashSet<(string, string)> used)
    {
        var (tx, sender, reason) = Judge(bytes, fork);
        if (expected.TryGetProperty("exception", out var exception))
        {
            if (reason is null)
                return $"accepted, expected {exception}";
            // Which of the two an unreadable transaction of a type that is not known yet is refused for is open; the files
            // themselves have both.
            var line = new[] { reason, TypeOf(bytes, fork) }.OfType<string>().Select(r => (exception.GetString()!, r))
                .FirstOrDefault(table.Contains);
            if (line == default)
                return $"'{reason}', expected {exception}";
            used.Add(line);
        }
        else if (reason is not null)
        {
            return reason;
        }
        else if (tx!.Hash != Hash256.Parse(expected.GetProperty("hash").GetString()!))
        {
            return $"hash {tx.Hash}";
        }
        else if (sender != Address.Parse(expected.GetProperty("sender").GetString()!))
        {
            return $"sender {sender}";
        }
        // Rejections before the price is known have 0.
        var intrinsic = Convert.ToUInt64(expected.GetProperty("intrinsicGas").GetString(), 16);
        return intrinsic == 0 || tx is null
            || IntrinsicGas.Of(tx, fork) == intrinsic ? null : $"intrinsic gas {IntrinsicGas.Of(tx, fork)}, expected {intrinsic}";
    }

    private static (Transaction? Tx, Address Sender, string? Reason) Judge(byte[] bytes, Fork fork)
    {
        Transaction tx;
        try
        {
            tx = Transaction.Decode(bytes);
        }
        catch (RlpException e)
        {
            return (null, default, e.Reason);
        }
        catch (FormatException e)
        {
            return (null, default, e.Message);
        }
        var invalid = TransactionSigner.Recover(tx, SenderRules.For(UInt256.One, fork, privateTransactions: false), out var sender);
        return (tx, sender, invalid == SenderInvalid.None ? TransactionChecks.Stateless(tx, fork) : $"sender: {invalid}");
    }

    private static string? TypeOf(byte[] bytes, Fork fork)
    {
        Fork? first = bytes[0] switch { 1 => Fork.Berlin, 2 => Fork.London, 4 => Fork.Prague, _ => null };
        return fork < first ? TypeNotSupported : null;
    }

    private static HashSet<(string Exception, string Reason)> ReadTable() =>
    [
        .. File.ReadAllLines(Path.Combine(AppContext.BaseDirectory, "Data", "transaction-exceptions.txt"))
            .Where(line => line.Length > 0 && line[0] != '#')
            .Select(line => line.Split(" | "))
            .Select(parts => ("TransactionException." + parts[0], parts[1])),
    ];
}
