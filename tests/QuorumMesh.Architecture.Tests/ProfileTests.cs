using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace QuorumMesh.Architecture.Tests;

/// <summary>
/// Which GoQuorum version does what stands in the profile and its values (RpcRules, TraceRules, EvmRules); everybody else asks for
/// the behaviour by its name.
/// </summary>
public sealed class ProfileTests
{
    private const string Profile = "services/node/QuorumMesh.Chain/CompatibilityProfile.cs";

    /// <summary>The table of genesis fields, which says for each from which version to which it is one.</summary>
    private const string GenesisFields = "services/node/QuorumMesh.Chain/Genesis/ConfigFields.cs";

    private static readonly string[] Rules = ["CompatibilityProfile", "RpcRules", "TraceRules"];

    [Fact]
    public void No_code_outside_asks_which_profile_it_is() => Offences.None(
        Repository.Product
            .Where(file => file.Path is not (Profile or GenesisFields))
            .SelectMany(file => file.Syntax.DescendantNodes().OfType<MemberAccessExpressionSyntax>().Where(IsOneVersion)
                .Select(found => $"{file.Path}:{found.GetLocation().GetLineSpan().StartLinePosition.Line + 1}: {found}")));

    private static bool IsOneVersion(MemberAccessExpressionSyntax access) =>
        access.Expression is IdentifierNameSyntax { Identifier.Text: var type } && Rules.Contains(type)
        && access.Name.Identifier.Text is ['V', >= '0' and <= '9', ..];
}
