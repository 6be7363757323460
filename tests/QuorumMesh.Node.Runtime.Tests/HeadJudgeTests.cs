using QuorumMesh.Node.Runtime.Health;
using QuorumMesh.Primitives;

namespace QuorumMesh.Node.Runtime.Tests;

public sealed class HeadJudgeTests
{
    private static readonly string[] Five = ["own", "b", "c", "d", "e"];

    [Theory]
    [InlineData("b:5x c:5x", false)]        // two of five
    [InlineData("b:5x c:5x d:5x", true)]    // three of five
    [InlineData("b:5x c:5x d:5y", false)]   // three others, but not of one mind
    [InlineData("b:5x b:5x b:5x", false)]   // one voice each
    [InlineData("b:5x c:5x z:5x", false)]   // a stranger has none
    [InlineData("b:5x c:6x d:7x", false)]   // each at another height
    [InlineData("b:9x c:9x d:9x", false)]   // above our head there is nothing to compare
    [InlineData("own:5x b:5x c:5x", false)] // nor is our own word asked for
    [InlineData("b:5x c:5x d:5x e:5=", true)]
    public void A_conflict_needs_a_strict_majority_with_one_block(string reports, bool isConflict) =>
        Assert.Equal(isConflict, Judge(reports, Five).Conflict is not null);

    [Theory]
    [InlineData("b:5= c:5=", 5)]
    [InlineData("b:5=", null)]
    [InlineData("b:5= c:5= d:5x e:5x", 5)]
    [InlineData("b:5= c:4=", null)]
    [InlineData("b:5= c:5= b:2= c:2= b:7=", 5)]
    [InlineData("b:5= c:5= b:7x c:7x d:7x", 5)]
    public void Agreement_needs_one_too(string reports, int? agreedAt) => Assert.Equal((ulong?)agreedAt, Judge(reports, Five).AgreedAt);

    [Fact]
    public void The_lowest_conflict_is_told()
    {
        var conflict = Judge("b:7y c:7y b:4= c:4= b:6x c:6x", ["own", "b", "c"]).Conflict!;
        Assert.Equal((6UL, Own(6), Other('x', 6), 2, 3),
            (conflict.Number, conflict.Own, conflict.Theirs, conflict.Holders, conflict.Members));
    }

    [Fact]
    public void One_of_three_is_outvoted_and_one_of_two_is_not()
    {
        Assert.NotNull(Judge("b:5x c:5x", ["own", "b", "c"]).Conflict);
        Assert.Null(Judge("b:5x c:5=", ["own", "b", "c"]).Conflict);
        Assert.Null(Judge("b:5x", ["own", "b"]).Conflict);
        // A learner has no vote of its own.
        Assert.NotNull(Judge("b:5x c:5x", ["b", "c", "d"]).Conflict);
        Assert.Null(Judge("b:5=", ["b", "c", "d"]).AgreedAt);
    }

    /// <summary>2F+1 validators; and where F is 0 a majority, so that one liar stops nobody.</summary>
    [Theory]
    [InlineData(4, "b:5x c:5x", false)]
    [InlineData(4, "b:5x c:5x d:5x", true)]
    [InlineData(3, "b:5x", false)]
    [InlineData(3, "b:5x c:5x", true)]
    [InlineData(2, "b:5x", false)]
    [InlineData(5, "b:5x c:5x d:5x", true)]
    public void Validators_are_known_by_their_accounts_and_2F_plus_1_outvote_a_node(int count, string reports, bool isConflict)
    {
        var members = Five.Take(count).ToHashSet();
        var electorate = Electorate.Validators(members, ((count + 2) / 3) - 1, static id => id);
        Assert.Equal(isConflict, Judge(reports, electorate).Conflict is not null);
    }

    private static HeadJudgement Judge(string reports, string[] members) => Judge(reports, Electorate.Majority(members.ToHashSet()));

    private static HeadJudgement Judge(string reports, Electorate electorate) =>
        HeadJudge.Judge([.. reports.Split(' ').Select(Report)], electorate, "own", number => number > 8 ? null : Own(number));

    private static HeadReport Report(string text)
    {
        var (id, block) = (text.Split(':')[0], text.Split(':')[1]);
        var number = ulong.Parse(block[..^1], System.Globalization.CultureInfo.InvariantCulture);
        return new HeadReport(id, number, block[^1] == '=' ? Own(number) : Other(block[^1], number));
    }

    private static Hash256 Own(ulong number) => Keccak.Hash([1, (byte)number]);

    private static Hash256 Other(char chain, ulong number) => Keccak.Hash([(byte)chain, (byte)number]);
}
