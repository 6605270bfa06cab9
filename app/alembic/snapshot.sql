-- headway snapshot, format 1
-- What the revisions below make of an empty database, which is loaded in their place. It is
-- made by `headway snapshot` and not to be edited: with another checksum it is not loaded.
-- body: 98e7dbfa4505fb9a9951b79a24e5c8d337d45ec9cf05692100fbefcb68c83750
-- relations: 5
-- schema: public
-- head: c6cc06acee49
-- revision: 26d732381230c2cd8e189ad1b43c5a2400b33fea205c6bb7844515d0aaef5099 c6cc06acee49

--
-- Name: person; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.person (
    id integer NOT NULL,
    name character varying(50) NOT NULL
);


--
-- Name: person_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

CREATE SEQUENCE public.person_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;


--
-- Name: person_id_seq; Type: SEQUENCE OWNED BY; Schema: public; Owner: -
--

ALTER SEQUENCE public.person_id_seq OWNED BY public.person.id;


--
-- Name: person id; Type: DEFAULT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.person ALTER COLUMN id SET DEFAULT nextval('public.person_id_seq'::regclass);

SELECT pg_catalog.setval('public.person_id_seq', 1, false);

--
-- Name: person pk_person; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.person
    ADD CONSTRAINT pk_person PRIMARY KEY (id);
