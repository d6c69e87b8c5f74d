"""Names, places, vehicle models and failure messages of the demo."""

from __future__ import annotations


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


def _lines(text: str) -> tuple[str, ...]:
    return tuple(line.strip() for line in text.strip().splitlines())


GROUP = "Sabiá Motors"

FIRST_NAMES = _words(
    """
    Adriana Aline Amanda Ana Anderson André Antônia Antônio Aparecida Beatriz Benedita
    Bernardo Bianca Bruna Bruno Caio Camila Carla Carlos Carolina Cauã César Clarice Cláudia
    Cláudio Cristiane Daniel Daniela Davi Débora Diego Eduardo Elaine Eliane Emanuel Estêvão
    Fabiana Fábio Felipe Fernanda Fernando Flávia Francisca Francisco Gabriel Gabriela Geraldo
    Gilberto Giovana Gisele Guilherme Gustavo Heitor Helena Henrique Hugo Igor Inês Isabela
    Ivone Jéssica João Joaquim Jorge José Josefa Júlia Juliana Júlio Karina Larissa Laura
    Leandro Leonardo Letícia Lívia Lorena Lourdes Lucas Luciana Luís Luíza Luzia Manuela
    Marcela Márcia Márcio Marcos Mariana Marina Mário Marlene Mateus Maurício Melissa Mônica
    Murilo Natália Otávio Patrícia Paula Paulo Pedro Priscila Rafael Raimunda Raimundo Raquel
    Regina Renata Ricardo Rita Roberta Roberto Rodrigo Rogério Rosângela Sabrina Samuel Sandra
    Sebastião Sérgio Silvana Simone Sônia Sueli Tainá Talita Tatiane Teresa Thaís Thiago
    Valéria Vanessa Vera Vicente Vinícius Vitória Viviane Wagner Wellington Yasmin
    """
)

SURNAMES = _words(
    """
    Abreu Aguiar Albuquerque Alencar Almeida Alves Amaral Amorim Andrade Aragão Araújo Assis
    Assunção Azevedo Barbosa Barreto Barros Bastos Batista Bezerra Borges Braga Brandão Brito
    Cabral Caldas Camargo Campos Cardoso Carneiro Carvalho Castro Cavalcante Chaves Coelho
    Conceição Correia Costa Coutinho Cruz Cunha Damasceno Dias Duarte Esteves Farias Fernandes
    Ferraz Ferreira Figueiredo Fonseca França Freire Freitas Furtado Galvão Garcia Gomes
    Gonçalves Guedes Guerra Guimarães Holanda Jardim Lacerda Leal Leite Lima Lobato Lopes
    Macedo Machado Magalhães Maia Marinho Marques Martins Medeiros Meireles Melo Mendes
    Menezes Miranda Monteiro Moraes Moreira Moura Muniz Nascimento Neves Nogueira Nunes
    Oliveira Pacheco Paiva Paixão Peixoto Pereira Pinheiro Pinto Pires Prado Queiroz Ramos
    Rangel Reis Ribeiro Rocha Rodrigues Sales Sampaio Santana Santos Saraiva Serra Silva
    Silveira Siqueira Soares Sousa Souza Tavares Teixeira Teles Toledo Torres Trindade
    Valadares Vargas Vasconcelos Veloso Viana Vidal Vieira Xavier
    """
)

FIRM_KINDS = (
    "Transportes {} Ltda",
    "Padaria {} Ltda",
    "Construtora {} S.A.",
    "Distribuidora {} Ltda",
    "{}, Filhos & Cia Ltda",
    'Auto Escola "{}" ME',
    "Hortifruti {} Eireli",
    "Locadora {} S.A.",
)

MODELS = _lines(
    """
    Fiat Strada
    Fiat Argo
    Fiat Mobi
    Fiat Toro
    Fiat Pulse
    Fiat Fastback
    Fiat Cronos
    Fiat Uno
    VW Polo
    VW T-Cross
    VW Nivus
    VW Virtus
    VW Saveiro
    VW Gol
    VW Taos
    VW Amarok
    Chevrolet Onix
    Chevrolet Onix Plus
    Chevrolet Tracker
    Chevrolet S10
    Chevrolet Montana
    Chevrolet Spin
    Hyundai HB20
    Hyundai HB20S
    Hyundai Creta
    Toyota Corolla
    Toyota Corolla Cross
    Toyota Hilux
    Toyota Yaris
    Toyota Etios
    Honda HR-V
    Honda City
    Honda Civic
    Honda Fit
    Jeep Renegade
    Jeep Compass
    Jeep Commander
    Renault Kwid
    Renault Duster
    Renault Sandero
    Renault Oroch
    Nissan Kicks
    Nissan Versa
    Nissan Frontier
    Peugeot 208
    Citroën C3
    Citroën C4 Cactus
    Ford Ka
    Ford Ranger
    Mitsubishi L200 Triton
    Caoa Chery Tiggo 5X
    BYD Dolphin
    """
)

# Unit, time zone and DDD. The first four cover three time zones.
UNITS: tuple[tuple[str, str, str], ...] = (
    ("Tatuapé", "America/Sao_Paulo", "11"),
    ("Campinas", "America/Sao_Paulo", "19"),
    ("Manaus", "America/Manaus", "92"),
    ("Fernando de Noronha", "America/Noronha", "81"),
    ("Rio Branco", "America/Rio_Branco", "68"),
    ("Belo Horizonte", "America/Sao_Paulo", "31"),
    ("Curitiba", "America/Sao_Paulo", "41"),
    ("Recife", "America/Recife", "81"),
    ("Niterói", "America/Sao_Paulo", "21"),
    ("Porto Velho", "America/Porto_Velho", "69"),
    ("Florianópolis", "America/Sao_Paulo", "48"),
    ("Goiânia", "America/Sao_Paulo", "62"),
    ("Salvador", "America/Bahia", "71"),
    ("Cuiabá", "America/Cuiaba", "65"),
    ("Fortaleza", "America/Fortaleza", "85"),
    ("Vitória", "America/Sao_Paulo", "27"),
    ("Boa Vista", "America/Boa_Vista", "95"),
    ("Porto Alegre", "America/Sao_Paulo", "51"),
    ("Belém", "America/Belem", "91"),
    ("São José dos Campos", "America/Sao_Paulo", "12"),
    ("Campo Grande", "America/Campo_Grande", "67"),
    ("Brasília Asa Norte", "America/Sao_Paulo", "61"),
    ("Santos", "America/Sao_Paulo", "13"),
    ("Ribeirão Preto", "America/Sao_Paulo", "16"),
    ("Natal", "America/Fortaleza", "84"),
    ("Maceió", "America/Maceio", "82"),
    ("Joinville", "America/Sao_Paulo", "47"),
    ("Uberlândia", "America/Sao_Paulo", "34"),
    ("São Luís", "America/Fortaleza", "98"),
    ("Teresina", "America/Fortaleza", "86"),
    ("João Pessoa", "America/Fortaleza", "83"),
    ("Aracaju", "America/Maceio", "79"),
    ("Palmas", "America/Araguaina", "63"),
    ("Macapá", "America/Belem", "96"),
    ("Londrina", "America/Sao_Paulo", "43"),
    ("Caxias do Sul", "America/Sao_Paulo", "54"),
    ("Juiz de Fora", "America/Sao_Paulo", "32"),
    ("Sorocaba", "America/Sao_Paulo", "15"),
    ("São José do Rio Preto", "America/Sao_Paulo", "17"),
    ("Feira de Santana", "America/Bahia", "75"),
)

CALL_NOTES: dict[str, tuple[str, ...]] = {
    "no_answer": ("", "", "", "Caixa postal", "Chamou até cair"),
    "busy": ("", "Ocupado, tentar à tarde"),
    "wrong_number": ("Número não é do cliente", "Atendeu outra pessoa, não conhece o cliente"),
    "call_back": ("Pediu para ligar depois das 18h", 'Em reunião: "me ligue amanhã"', ""),
    "booked": ("", "Prefere sábado de manhã", "Vai deixar o carro, precisa de táxi"),
    "refused": ("Vai fazer em outra oficina", "Achou caro, vai pensar", "Vendeu o carro"),
    "do_not_call": ("Pediu para não ligar mais", "Só quer WhatsApp"),
    "other": ("Falou com a esposa, vai dar retorno", "Carro está em viagem"),
}

# WhatsApp's codes, grouped as in section 5 of the domain specification, and their messages.
FAILURES: dict[str, tuple[tuple[str, str], ...]] = {
    "no_whatsapp": (("131026", "Message undeliverable"),),
    "recipient_limit": (
        ("131049", "This message was not delivered to maintain healthy ecosystem engagement."),
        ("130472", "User's number is part of an experiment"),
        ("131056", "(Business Account, Consumer Account) pair rate limit hit"),
    ),
    "opted_out_whatsapp": (("131050", "User has stopped receiving marketing messages"),),
    "transient": (
        ("131000", "Something went wrong"),
        ("131016", "Service unavailable"),
        ("2", "API Service"),
    ),
    "rate_limit": (
        ("130429", "Rate limit hit"),
        ("131048", "Spam rate limit hit"),
        ("80007", "Rate limit issues"),
    ),
    "account": (
        ("131042", "Business eligibility payment issue"),
        ("190", "Access token has expired"),
        ("131031", "Account has been locked"),
    ),
    "template": (
        ("132001", "Template does not exist"),
        ("132015", "Template is paused"),
        ("132000", "Number of parameters does not match"),
    ),
    "unknown_error": (("", "Timeout"), ("999999", "Unexpected error, see provider's log")),
}
