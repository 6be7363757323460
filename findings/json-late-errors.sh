#!/usr/bin/env bash
# System.Text.Json (.NET 10.0.12): text that Parse takes without a word still fails later, and with other exceptions than JsonException, so
# a server that guards Parse alone is left with an unhandled one. JsonNode makes its members on first use and throws ArgumentException
# there for a key that stands twice. JsonDocument takes half of a surrogate pair in an escape, and GetString throws
# InvalidOperationException. JsonDocumentOptions.AllowDuplicateProperties = false refuses the first at Parse, but throws
# InvalidOperationException there for such half a pair in a name. Needs the .NET SDK and nothing from a registry.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT
cd "$dir"
cat > probe.csproj <<'X'
<Project Sdk="Microsoft.NET.Sdk">
  <PropertyGroup>
    <TargetFramework>net10.0</TargetFramework><OutputType>Exe</OutputType>
    <Nullable>enable</Nullable><ImplicitUsings>enable</ImplicitUsings>
  </PropertyGroup>
</Project>
X
cat > Program.cs <<'X'
using System.Text.Json;
using System.Text.Json.Nodes;

const string twice = """{"id":1,"id":2}""", half = """["\ud800"]""", halfName = """{"\ud800":1}""";
var strict = new JsonDocumentOptions { AllowDuplicateProperties = false };
Say("JsonNode, key twice", () => JsonNode.Parse(twice), node => node!["id"]);
Say("JsonDocument, half a pair", () => JsonDocument.Parse(half), document => document.RootElement[0].GetString());
Say("strict, key twice", () => JsonDocument.Parse(twice, strict), document => document.RootElement.GetRawText());
Say("strict, half a pair in a name", () => JsonDocument.Parse(halfName, strict), document => document.RootElement.GetRawText());

static void Say<T>(string what, Func<T> parse, Func<T, object?> use)
{
    var step = "Parse";
    try
    {
        var parsed = parse();
        step = "use";
        use(parsed);
        Console.WriteLine($"{what}: nothing");
    }
    catch (Exception e)
    {
        Console.WriteLine($"{what}: {step} throws {(e is JsonException ? nameof(JsonException) : e.GetType().Name)}");
    }
}
X
dotnet build -c Release --nologo -v q -o out > build.log || { cat build.log; exit 1; }
got=$(dotnet out/probe.dll)
echo "$got"
want='JsonNode, key twice: use throws ArgumentException
JsonDocument, half a pair: use throws InvalidOperationException
strict, key twice: Parse throws JsonException
strict, half a pair in a name: Parse throws InvalidOperationException'
[ "$got" = "$want" ] || { echo "CHANGED: expected"; echo "$want"; exit 1; }
echo "as found"
