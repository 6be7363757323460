using QuorumMesh.Evm.Compiler;
using QuorumMesh.Fuzz;

namespace QuorumMesh.Evm.Tests;

/// <summary>Interpreter and compiled tier on random programs, and on each case that once told them apart.</summary>
public class TierFuzzTests
{
    private static readonly string _cases = Path.Combine(AppContext.BaseDirectory, "Data", "fuzz");

    [Fact]
    public void Random_programs_give_the_same_in_both_tiers()
    {
        var log = new StringWriter();
        var campaign = new FuzzCampaign(new FuzzSettings { Seed = 20, Programs = 2_000, Threads = 2 }, log);
        Assert.True(campaign.Run(), log.ToString());
        Assert.Equal(2_000, campaign.Programs);
    }

    [Fact]
    public void A_case_that_once_differed_does_not_differ()
    {
        foreach (string path in Directory.GetFiles(_cases, "*.json"))
        {
            string? difference = FuzzReplay.Run(CaseFile.Read(File.ReadAllText(path)));
            Assert.True(difference is null, $"{Path.GetFileName(path)}: {difference}");
        }
    }

    [Fact]
    public void A_program_depends_on_seed_and_index_alone()
    {
        var once = new ProgramGroup(3, 5);
        var again = new ProgramGroup(3, 5);
        again.Program(5 * ProgramGroup.Size);
        Assert.Equal(once.Program(700), again.Program(700));
        Assert.Equal(Text(once), Text(again));
        Assert.NotEqual(Text(once), Text(new ProgramGroup(4, 5)));

        static string Text(ProgramGroup group) => CaseFile.Write(group.Case(700, 2, group.Program(700)));
    }

    [Fact]
    public void A_written_case_is_the_same_case()
    {
        for (ulong index = 0; index < 2_000; index += 150)
        {
            var group = new ProgramGroup(1, index / ProgramGroup.Size);
            FuzzCase original = group.Case(index, 3, group.Program(index));
            FuzzCase read = CaseFile.Read(CaseFile.Write(original));
            Assert.Equal(CaseFile.Write(original), CaseFile.Write(read));
            var runner = new CaseRunner();
            Assert.Null(OutcomeDifference.Find(runner.Run(original, EvmTier.Interpreter), runner.Run(read, EvmTier.Interpreter)));
        }
    }

    [Theory]
    [InlineData("6001600055", "6002600055", "account")]
    [InlineData("6001600055", "60016000555b", "gas left")]
    [InlineData("60016000f3", "60006000f3", "gas left")]
    [InlineData("600160005260206000f3", "600260005260206000f3", "output")]
    [InlineData("60016000a0", "60026000a0", "gas left")]
    [InlineData("600160006000a1", "600260006000a1", "log 0")]
    [InlineData("5b00", "fe00", "status")]
    public void What_differs_is_found(string one, string other, string where)
    {
        var runner = new CaseRunner();
        FuzzOutcome a = runner.Run(Case(one), EvmTier.Interpreter);
        FuzzOutcome b = runner.Run(Case(other), EvmTier.Interpreter);
        Assert.Contains(where, OutcomeDifference.Find(a, b), StringComparison.Ordinal);
        Assert.Null(OutcomeDifference.Find(a, runner.Run(Case(one), EvmTier.Compiled)));
    }

    [Fact]
    public void A_different_slot_is_found()
    {
        var runner = new CaseRunner();
        FuzzCase one = Case("600035600055") with { Input = [1] };
        FuzzOutcome outcome = runner.Run(one, EvmTier.Interpreter);
        Assert.Contains("slot 0", OutcomeDifference.Find(outcome, runner.Run(one with { Input = [2] }, EvmTier.Compiled)),
            StringComparison.Ordinal);
    }

    private static FuzzCase Case(string code) => new()
    {
        Fork = Fork.Osaka,
        To = FuzzAddresses.Program,
        Gas = 100_000,
        Public = [new FuzzAccount(FuzzAddresses.Program, 1, 0, Convert.FromHexString(code),
            new Dictionary<Primitives.UInt256, Primitives.UInt256>())],
    };
}
