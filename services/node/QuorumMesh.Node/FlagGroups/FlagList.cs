using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using System.Numerics;

namespace QuorumMesh.Node.FlagGroups;

/// <summary>Makes the flags, each with its variable of the environment, and holds them in the order in which they are made.</summary>
internal sealed class FlagList
{
    private const string EnvironmentPrefix = "QUORUMMESH_NODE_";

    private readonly List<Option> _all = [];

    public IReadOnlyList<Option> All => _all;

    public Option<string> Text(string name, string description, string? otherwise = null, params string[] aliases) =>
        Add(new Option<string>(name, aliases)
        {
            Description = description,
            DefaultValueFactory = FromEnvironment(name, text => text, otherwise!)
        });

    public Option<int> Number(string name, string description, int otherwise, params string[] aliases) =>
        Add(new Option<int>(name, aliases)
        {
            Description = description,
            DefaultValueFactory = FromEnvironment(name, text => Parse<int>(name, text), otherwise)
        });

    public Option<int?> OptionalNumber(string name, string description) => Add(new Option<int?>(name)
    {
        Description = description,
        DefaultValueFactory = FromEnvironment<int?>(name, text => Parse<int>(name, text), null),
    });

    public Option<bool> Flag(string name, string description, params string[] aliases) =>
        Add(new Option<bool>(name, aliases)
        {
            Description = description,
            DefaultValueFactory = FromEnvironment(name, text => ParseFlag(name, text), false)
        });

    public T Add<T>(T option) where T : Option
    {
        _all.Add(option);
        return option;
    }

    public static Func<ArgumentResult, T> FromEnvironment<T>(string name, Func<string, T> parse, T otherwise) => _ =>
        Environment.GetEnvironmentVariable(VariableOf(name)) is { Length: > 0 } text ? parse(text) : otherwise;

    /// <summary><c>--http.port</c> → <c>QUORUMMESH_NODE_HTTP_PORT</c>.</summary>
    public static string VariableOf(string flag) =>
        EnvironmentPrefix + flag.TrimStart('-').Replace('.', '_').Replace('-', '_').ToUpperInvariant();

    public static T Parse<T>(string name, string text) where T : struct, IBinaryInteger<T> =>
        T.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) ? number
            : throw new ServiceDefaults.OptionsException(VariableOf(name), $"'{text}' is not a number");

    public static bool ParseFlag(string name, string text) => text.ToUpperInvariant() switch
    {
        "1" or "TRUE" => true,
        "0" or "FALSE" => false,
        _ => throw new ServiceDefaults.OptionsException(VariableOf(name), $"'{text}' is neither true nor false"),
    };
}
