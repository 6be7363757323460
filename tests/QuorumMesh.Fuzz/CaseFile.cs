using System.Text.Json;
using QuorumMesh.Evm;
using QuorumMesh.Primitives;

namespace QuorumMesh.Fuzz;

/// <summary>A case as JSON, for tests and to run it again: it does not depend on the generator.</summary>
public static class CaseFile
{
    private static readonly JsonSerializerOptions _options = new()
    {
        WriteIndented = true,
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase
    };

    public static string Write(FuzzCase fuzzCase) => JsonSerializer.Serialize(
        new CaseText(
            fuzzCase.Fork.ToString(),
            fuzzCase.IsQuorum,
            fuzzCase.HasTightLimits,
            fuzzCase.To?.ToString(),
            Hex.ToHex(fuzzCase.Input),
            fuzzCase.Gas,
            Text(fuzzCase.Value),
            [.. fuzzCase.Public.Select(Text)],
            fuzzCase.Private?.Select(Text).ToArray()),
        _options);

    /// <exception cref="FormatException">Not what <see cref="Write"/> gives.</exception>
    public static FuzzCase Read(string json)
    {
        CaseText text = JsonSerializer.Deserialize<CaseText>(json, _options)
            ?? throw new FormatException("a case file holds one JSON object");
        return new FuzzCase
        {
            Fork = Enum.Parse<Fork>(text.Fork),
            IsQuorum = text.IsQuorum,
            HasTightLimits = text.HasTightLimits,
            To = text.To is { } to ? Address.Parse(to) : null,
            Input = Hex.FromHex(text.Input),
            Gas = text.Gas,
            Value = Word(text.Value),
            Public = [.. text.Public.Select(Account)],
            Private = text.Private?.Select(Account).ToArray(),
        };
    }

    private static AccountText Text(FuzzAccount account) => new(
        account.Address.ToString(),
        account.Nonce,
        Text(account.Balance),
        Hex.ToHex(account.Code),
        account.Storage.ToDictionary(s => Text(s.Key), s => Text(s.Value)));

    private static FuzzAccount Account(AccountText text) => new(
        Address.Parse(text.Address),
        text.Nonce,
        Word(text.Balance),
        Hex.FromHex(text.Code),
        text.Storage.ToDictionary(s => Word(s.Key), s => Word(s.Value)));

    private static string Text(in UInt256 word) => Hex.ToHex(word.ToBigEndian());

    private static UInt256 Word(string hex) => UInt256.FromBigEndian(Hex.FromHex(hex));

    private sealed record CaseText(string Fork, bool IsQuorum, bool HasTightLimits, string? To, string Input, ulong Gas, string Value,
        AccountText[] Public, AccountText[]? Private);

    private sealed record AccountText(string Address, ulong Nonce, string Balance, string Code, Dictionary<string, string> Storage);
}
